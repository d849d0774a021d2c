import { type Config, configuredProfile, loadConfig } from "@reembed/config";
import { messageOf } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { createLogger, createMetrics, type Logger, startOperations } from "@reembed/runtime";
import { resolveSearchHost, startSearch } from "@reembed/search";
import { checkDatabase, checkTables, type Database, openDatabase, readRollout } from "@reembed/store";
import { type Command, InvalidArgumentError } from "commander";
import { portNumber } from "../options.ts";
import { chooseDevice, startProfileEmbedder } from "../profile-embedder.ts";
import { serveUntilSignal } from "../serve.ts";
import { openServices } from "../services.ts";
import { parseDevice } from "../supervisor/devices.ts";

/** Searches that the database works on at a time; what is more waits its turn. */
const connections = 16;
/** A query is short: a GPU that also embeds the corpus is not to be filled for it. */
const queryTokenBudget = 4_096;

interface SearchFlags {
  device: string;
  host?: string;
  port?: number;
  json?: boolean;
}

export function registerSearch(program: Command): void {
  program
    .command("search")
    .description("answer queries with the profile that the rollout has for whoever asks; a page shows both")
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>, for both models", oneDevice, "cpu")
    .option("--host <address>", "address to listen on (default: SEARCH_HOST); others than loopback need SEARCH_API_KEY")
    .option("--port <port>", "port to listen on, 0 for a free one (default: SEARCH_PORT)", portNumber)
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json, device, ...address }: SearchFlags) => {
      const config = loadConfig(process.env);
      const settings = { ...config.search, ...address };
      // First of all: a refusal should not wait for the models.
      await resolveSearchHost(settings.host, settings.apiKey);
      const log = createLogger(config.logLevel);
      await using scope = new AsyncDisposableStack();
      const database = await openSearchDatabase(config, log, scope);
      const embedders = await startEmbedders(config, database, device, log, scope);
      const metrics = createMetrics();
      const { guardrails, operationsPort } = config;
      const search = scope.use(await startSearch({ database, embedders, ...settings, guardrails, metrics, log }));
      if (operationsPort !== undefined) {
        const { port } = scope.use(await startOperations({ port: operationsPort, metrics, checks: search.checks }));
        log.info({ port }, "health and metrics ready");
      }
      const { baseline, candidate } = await readRollout(database);
      await serveUntilSignal(log, "search", { url: search.url, baseline, candidate, device }, json);
    });
}

/** The queue is none of its business: a search process starts while Redis is away. */
async function openSearchDatabase(config: Config, log: Logger, scope: AsyncDisposableStack): Promise<Database> {
  if (config.databaseUrl === undefined) return scope.use(await openServices(config, log)).database;
  const database = openDatabase({
    connectionString: config.databaseUrl,
    maxConnections: connections,
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  scope.defer(() => database.$client.end());
  await checkDatabase(database);
  await checkTables(database);
  return database;
}

/** The models of the two profiles that the rollout names, which may be one. */
async function startEmbedders(
  config: Config,
  database: Database,
  device: string,
  log: Logger,
  scope: AsyncDisposableStack,
): Promise<Map<string, Embedder>> {
  const { baseline, candidate } = await readRollout(database);
  const frugal = {
    ...config,
    worker: { ...config.worker, tokenBudget: config.worker.tokenBudget ?? queryTokenBudget },
  };
  const embedders = new Map<string, Embedder>();
  for (const profile of [baseline, candidate].map((name) => configuredProfile(config, name))) {
    if (embedders.has(profile.model.id)) continue;
    // The server of EMBEDDING_ENDPOINT embeds for the candidate, and --device is for the baseline then.
    const options = { device: chooseDevice(config, profile.name, device, false), log };
    embedders.set(profile.model.id, scope.use(await startProfileEmbedder(profile, frugal, options)));
  }
  return embedders;
}

function oneDevice(text: string): string {
  const device = parseDevice(text);
  if (device === "cuda:all")
    throw new InvalidArgumentError("It must be one device: cpu, webgpu, cuda or cuda:<number>.");
  return device;
}
