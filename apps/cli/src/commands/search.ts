import { type Config, configuredProfile, loadConfig } from "@reembed/config";
import { messageOf, type Rollout } from "@reembed/core";
import { chooseDevice, type Embedder, startProfileEmbedder } from "@reembed/embedder";
import { startOperations } from "@reembed/http";
import { requireSameServedModel } from "@reembed/migration/verify";
import { createLogger, createMetrics, type Logger } from "@reembed/runtime";
import { resolveSearchHost, startSearch } from "@reembed/search";
import { checkDatabase, checkTables, type Database, describeServer, openDatabase } from "@reembed/store/database";
import { readProfiles } from "@reembed/store/profiles";
import { readRollout } from "@reembed/store/rollout";
import { type Command, InvalidArgumentError } from "commander";
import { parseDevice } from "../hosting/devices.ts";
import { type Patience, patienceFor, serveUntilSignal } from "../hosting/serve.ts";
import { openServices } from "../hosting/services.ts";
import { portNumber, waitOption } from "../options.ts";

/** Maximum number of searches in the database at a time; further ones wait. */
const connections = 16;
/** A query is short. A GPU that also embeds the corpus should not reserve memory for large runs. */
const queryTokenBudget = 4_096;

interface SearchFlags {
  device: string;
  host?: string;
  port?: number;
  wait: number;
  json?: boolean;
}

export function registerSearch(program: Command): void {
  program
    .command("search")
    .description(
      "answer queries with the profile that the rollout chooses for each subject; a page shows both profiles",
    )
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>, for both models", oneDevice, "cpu")
    .option(
      "--host <address>",
      "address to listen on (default: SEARCH_HOST); addresses other than loopback need SEARCH_API_KEY",
    )
    .option("--port <port>", "port to listen on, 0 for a free one (default: SEARCH_PORT)", portNumber)
    .addOption(waitOption())
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json, device, wait, ...address }: SearchFlags) => {
      const config = loadConfig(process.env);
      const settings = { ...config.search, ...address };
      // Checked first, so that a refusal does not wait for the models.
      await resolveSearchHost(settings.host, settings.apiKey);
      const log = createLogger(config.logLevel);
      await serveUntilSignal({ log, name: "search", json }, async (scope) => {
        const patience = patienceFor(wait, log);
        const database = await openSearchDatabase(config, { log, patience }, scope);
        const server = describeServer(database);
        const rollout = await patience(server, () => readRollout(database));
        const embedders = await startEmbedders(config, rollout, { device, log, scope });
        await patience(server, () => requireServedModels(database, embedders));
        const metrics = createMetrics();
        const { guardrails, trustedProxies, operationsPort } = config;
        const options = { database, embedders, ...settings, guardrails, trustedProxies, metrics, log };
        const search = scope.use(await patience(server, () => startSearch(options)));
        if (operationsPort !== undefined) {
          const { port } = scope.use(
            await startOperations({ port: operationsPort, metrics, checks: search.checks, log }),
          );
          log.info({ port }, "health and metrics ready");
        }
        const { baseline, candidate } = rollout;
        return { url: search.url, baseline, candidate, device };
      });
    });
}

/** Opens only the database: a search process does not need the queue, and starts while Redis is away. */
async function openSearchDatabase(
  config: Config,
  { log, patience }: { log: Logger; patience: Patience },
  scope: AsyncDisposableStack,
): Promise<Database> {
  if (config.databaseUrl === undefined) return scope.use(await openServices(config, log)).database;
  const database = openDatabase({
    connectionString: config.databaseUrl,
    maxConnections: connections,
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  scope.defer(() => database.$client.end());
  await patience(describeServer(database), async () => {
    await checkDatabase(database);
    await checkTables(database);
  });
  return database;
}

/** Starts the models of the rollout's two profiles, which may be the same. */
async function startEmbedders(
  config: Config,
  { baseline, candidate }: Rollout,
  { device, log, scope }: { device: string; log: Logger; scope: AsyncDisposableStack },
): Promise<Map<string, Embedder>> {
  const frugal = {
    ...config,
    worker: { ...config.worker, tokenBudget: config.worker.tokenBudget ?? queryTokenBudget },
  };
  const embedders = new Map<string, Embedder>();
  for (const profile of [baseline, candidate].map((name) => configuredProfile(config, name))) {
    if (embedders.has(profile.model.id)) continue;
    // EMBEDDING_ENDPOINT embeds for the candidate; --device is then for the baseline only.
    const options = { device: chooseDevice(config, profile.name, device, false), log };
    embedders.set(profile.model.id, scope.use(await startProfileEmbedder(profile, frugal, options)));
  }
  return embedders;
}

/** The vectors of another model than the profile's would find arbitrary chunks. */
async function requireServedModels(database: Database, embedders: ReadonlyMap<string, Embedder>): Promise<void> {
  for (const profile of await readProfiles(database)) {
    const embedder = embedders.get(profile.model);
    if (embedder !== undefined) await requireSameServedModel(database, profile, embedder);
  }
}

function oneDevice(text: string): string {
  const device = parseDevice(text);
  if (device === "cuda:all")
    throw new InvalidArgumentError("It must be one device: cpu, webgpu, cuda or cuda:<number>.");
  return device;
}
