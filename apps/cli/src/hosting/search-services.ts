import { type Config, configuredProfile, type Settings } from "@reembed/config";
import { messageOf, modelKey, type Rollout } from "@reembed/core";
import { type Embedder, startProfileEmbedder } from "@reembed/embedder";
import { startSpendingMeter } from "@reembed/migration/spending";
import { requireSameServedModel } from "@reembed/migration/verify";
import type { Logger } from "@reembed/runtime";
import { checkDatabase, checkTables, type Database, describeServer, openDatabase } from "@reembed/store/database";
import { readProfiles } from "@reembed/store/profiles";
import { readRollout } from "@reembed/store/rollout";
import type { Patience } from "./serve.ts";
import { openServices, resolveConfig } from "./services.ts";

/** Maximum number of searches in the database at a time; further ones wait. */
const connections = 16;
/** A query is short. A GPU that also embeds the corpus should not reserve memory for large runs. */
const queryTokenBudget = 4_096;

export interface SearchServices {
  database: Database;
  /** The rollout as it was at the start. */
  rollout: Rollout;
  /** By the `modelKey` of their model: those of the rollout's two profiles, which may be the same. */
  embedders: ReadonlyMap<string, Embedder>;
}

interface OpenOptions {
  device: string;
  log: Logger;
  /** How the statements of the start wait for the database. */
  patience: Patience;
  scope: AsyncDisposableStack;
}

/**
 * What a search needs, in a process of its own or in an application's: the database, and the models of both profiles, which
 * must be those that the vectors came from.
 */
export async function openSearchServices(settings: Settings, options: OpenOptions): Promise<SearchServices> {
  const { patience } = options;
  const database = await openDatabaseOnly(settings, options);
  const server = describeServer(database);
  const config = await patience(server, () => resolveConfig(settings, database));
  const rollout = await patience(server, () => readRollout(database));
  const embedders = await startQueryEmbedders(config, { database, rollout }, options);
  await patience(server, () => requireServedModels(database, embedders));
  return { database, rollout, embedders };
}

/** A search does not need the queue, and starts while Redis is away. */
async function openDatabaseOnly(config: Settings, { log, patience, scope }: OpenOptions): Promise<Database> {
  if (config.databaseUrl === undefined) return scope.use(await openServices(config, log)).database;
  const database = openDatabase({
    connectionString: config.databaseUrl,
    schema: config.schema,
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

async function startQueryEmbedders(
  config: Config,
  { database, rollout: { baseline, candidate } }: Pick<SearchServices, "database" | "rollout">,
  { device, log, scope }: OpenOptions,
): Promise<Map<string, Embedder>> {
  const frugal = {
    ...config,
    worker: { ...config.worker, tokenBudget: config.worker.tokenBudget ?? queryTokenBudget },
  };
  const embedders = new Map<string, Embedder>();
  for (const profile of [baseline, candidate].map((name) => configuredProfile(config, name))) {
    const key = modelKey(profile.model.id, profile.model.revision);
    if (embedders.has(key)) continue;
    if (profile.model.unknown) {
      log.warn(`${profile.name} was adopted as it is, without a model: its searches are refused here, and work by SQL`);
      continue;
    }
    // --device is for those profiles that no embedding server embeds for.
    const meter = scope.use(startSpendingMeter({ database, config, profile, log }));
    embedders.set(key, scope.use(await startProfileEmbedder(profile, frugal, { device, log, meter })));
  }
  return embedders;
}

/** The vectors of another model than the profile's would find arbitrary chunks. */
async function requireServedModels(database: Database, embedders: ReadonlyMap<string, Embedder>): Promise<void> {
  for (const profile of await readProfiles(database)) {
    const embedder = embedders.get(modelKey(profile.model, profile.revision));
    if (embedder !== undefined) await requireSameServedModel(database, profile, embedder);
  }
}
