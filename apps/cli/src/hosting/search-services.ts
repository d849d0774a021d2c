import { type Config, configuredProfile } from "@reembed/config";
import { messageOf, type Rollout } from "@reembed/core";
import { chooseDevice, type Embedder, startProfileEmbedder } from "@reembed/embedder";
import { requireSameServedModel } from "@reembed/migration/verify";
import type { Logger } from "@reembed/runtime";
import { checkDatabase, checkTables, type Database, describeServer, openDatabase } from "@reembed/store/database";
import { readProfiles } from "@reembed/store/profiles";
import type { Patience } from "./serve.ts";
import { openServices } from "./services.ts";

/** Maximum number of searches in the database at a time; further ones wait. */
const connections = 16;
/** A query is short. A GPU that also embeds the corpus should not reserve memory for large runs. */
const queryTokenBudget = 4_096;

/** Opens only the database: a search process does not need the queue, and starts while Redis is away. */
export async function openSearchDatabase(
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
export async function startQueryEmbedders(
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
export async function requireServedModels(database: Database, embedders: ReadonlyMap<string, Embedder>): Promise<void> {
  for (const profile of await readProfiles(database)) {
    const embedder = embedders.get(profile.model);
    if (embedder !== undefined) await requireSameServedModel(database, profile, embedder);
  }
}
