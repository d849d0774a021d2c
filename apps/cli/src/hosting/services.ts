import { activeProfiles, type Config, isInCatalogue, type Settings, withProfiles } from "@reembed/config";
import { messageOf, queueSchemaOf } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
import { pinModel } from "@reembed/embedder/models";
import { readSettings } from "@reembed/migration/settings";
import {
  checkQueueServer,
  checkQueueTables,
  createQueueTables,
  describeQueueServer,
  type QueueServer,
} from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import {
  checkDatabase,
  checkSessions,
  checkTables,
  type Database,
  describeServer,
  describeStatement,
  migrateDatabase,
  type OpenDatabaseOptions,
  openDatabase,
  readIdentity,
} from "@reembed/store/database";
import { readKnownProfiles } from "@reembed/store/profiles";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { impatience, type Patience } from "./serve.ts";

/** A command's database and queue server, which have been checked. */
interface Servers extends AsyncDisposable {
  database: Database;
  queue: QueueServer;
  /** If true, the database prints the statements that would change it, and the queue must not be changed. */
  dryRun: boolean;
}

export interface Services extends Servers {
  /** The environment with the profiles that it chose among those of the catalogue and of the database. */
  config: Config;
}

export interface OpenOptions {
  dryRun?: boolean | undefined;
  /** The purpose of the database connections, which sets their time limits; without it, statements have none. */
  purpose?: OpenDatabaseOptions["purpose"];
  /** By default a server that is not available is an error at once. */
  patience?: Patience;
  /** For a process with only short statements. Not for the embedded database, which answers nobody during a statement. */
  answerWithinMs?: number | undefined;
}

/**
 * Opens the configured services: servers that `reembed init` has set up, or the embedded database, which is set up at once.
 * Disposal closes the connections and the embedded database.
 * @throws ReembedError of `openServers`, and with exit code 3 if the servers are not set up.
 */
export async function openServices(
  settings: Settings,
  log: Logger,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions = {},
): Promise<Services> {
  await using scope = new AsyncDisposableStack();
  const services = scope.use(await openServers(settings, log, { purpose, answerWithinMs, patience }));
  const { database } = services;
  const config = await prepareServers(settings, services, patience);
  const queue = await patience(describeServer(database), () => queueOf(database, services.queue));
  const given = dryRun
    ? openPool(settings, database.$client.options.connectionString ?? "", log, scope, { dryRun })
    : database;
  const opened = scope.move();
  return { database: given, queue, dryRun, config, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Sets the embedded database up, checks that other servers are, and resolves the chosen profiles there. */
async function prepareServers(settings: Settings, servers: Servers, patience: Patience): Promise<Config> {
  const { database, queue } = servers;
  if (settings.databaseUrl === undefined) return await initialize(settings, servers);
  await patience(describeServer(database), () => checkTables(database));
  await patience(describeQueueServer(queue), () => checkQueueTables(queue));
  return await patience(describeServer(database), () => resolveConfig(settings, database));
}

/**
 * The settings with the profiles of the database, and with the bounds that `reembed set` has set there.
 * @throws ReembedError `profile_unknown` (exit code 2) if the environment names a profile that there is not.
 */
export async function resolveConfig(settings: Settings, database: Database): Promise<Config> {
  return withProfiles(await readSettings(database, settings), await readKnownProfiles(database));
}

/**
 * The resolved profiles for a command that has not opened its services yet. Most environments need no database for that.
 * @param asked Another profile than the environment's, if the command was given one.
 */
export async function readConfig(
  settings: Settings,
  log: Logger,
  { asked, ...options }: OpenOptions & { asked?: string | undefined },
): Promise<Config> {
  const catalogue = isInCatalogue(settings) ? withProfiles(settings) : undefined;
  if (catalogue !== undefined && (asked === undefined || isKnown(catalogue, asked))) return catalogue;
  await using opened = await openDatabaseAlone(settings, log, options);
  return opened.config;
}

function isKnown({ baseline, candidate, profiles }: Config, name: string): boolean {
  return profiles.has(name) || [baseline.name, candidate.name].includes(name);
}

/** The queues of this database only: their names begin with its name, so that several databases can share a server. */
export async function queueOf(database: Database, queue: QueueServer): Promise<QueueServer> {
  return queue.kind === "redis" ? { ...queue, prefix: await readIdentity(database) } : queue;
}

/**
 * Opens the services without setting them up, for commands that do that themselves.
 * @throws ReembedError of `checkDatabase`, `checkQueueServer` or `openEmbeddedDatabase`.
 */
export async function openServers(
  config: Settings,
  log: Logger,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions = {},
): Promise<Servers> {
  await using scope = new AsyncDisposableStack();
  const { database, connectionString } = await openOwnDatabase(config, log, scope, {
    dryRun,
    purpose,
    answerWithinMs,
    patience,
  });
  const queue = queueServer(config, connectionString);
  await patience(describeQueueServer(queue), () => checkQueueServer(queue));
  const opened = scope.move();
  return { database, queue, dryRun, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Opens the database alone, for a command that only reads: before `reembed init`, and without the queue's server. */
export async function openDatabaseAlone(
  settings: Settings,
  log: Logger,
  options: OpenOptions = {},
): Promise<Pick<Services, "database" | "config"> & AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  const { database } = scope.use(await openBareDatabase(settings, log, options));
  const config = await resolveConfig(settings, database);
  const opened = scope.move();
  return { database, config, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Opens the database for a command that does not depend on the chosen profiles, because it lists or adds some. */
export async function openBareDatabase(
  settings: Settings,
  log: Logger,
  options: OpenOptions = {},
): Promise<Pick<Services, "database"> & AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  const { database } = await openOwnDatabase(settings, log, scope, options);
  const opened = scope.move();
  return { database, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * Opens an application's database for a command that must not write to it: PostgreSQL refuses every write.
 * @throws ReembedError of `checkDatabase`.
 */
export async function openDatabaseToRead(
  { databaseUrl: connectionString = "", schema }: Pick<Settings, "databaseUrl" | "schema">,
  log: Logger,
): Promise<Pick<Services, "database"> & AsyncDisposable> {
  const database = openDatabase({
    ...{ connectionString, schema, purpose: "background", readOnly: true },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  await checkDatabase(database).catch(async (error: unknown) => {
    await database.$client.end();
    throw error;
  });
  return { database, [Symbol.asyncDispose]: () => database.$client.end() };
}

async function openOwnDatabase(
  config: Settings,
  log: Logger,
  scope: AsyncDisposableStack,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions,
): Promise<{ database: Database; connectionString: string }> {
  const connectionString = config.databaseUrl ?? (await openEmbedded(config.folder, log, scope));
  const ownServer = config.databaseUrl !== undefined;
  const limits = { purpose, answerWithinMs: ownServer ? answerWithinMs : undefined };
  const database = openPool(config, connectionString, log, scope, { dryRun, ...limits });
  await patience(describeServer(database), async () => {
    await checkDatabase(database);
    if (ownServer) await checkSessions(database, config);
  });
  return { database, connectionString };
}

function openPool(
  { schema }: Pick<Settings, "schema">,
  connectionString: string,
  log: Logger,
  scope: AsyncDisposableStack,
  { dryRun, purpose, answerWithinMs }: OpenOptions,
): Database {
  const database = openDatabase({
    ...{ connectionString, schema, purpose, answerWithinMs },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
    onDryRun: dryRun ? (...statement) => process.stdout.write(`${describeStatement(...statement)}\n\n`) : undefined,
  });
  scope.defer(() => database.$client.end());
  return database;
}

/**
 * Creates or updates the tables (with BullMQ's if the queue is in the database) and registers the active profiles.
 * @param profilesOf The installation whose profiles and bounds are meant, if it is another one.
 * @throws ReembedError of `resolveConfig` and `pinModel`.
 */
export async function initialize(
  settings: Settings,
  servers: Pick<Servers, "database" | "queue" | "dryRun">,
  { profilesOf }: { profilesOf?: Database } = {},
): Promise<Config> {
  const { database } = servers;
  await createAllTables(servers);
  const config = await resolveConfig(settings, profilesOf ?? database);
  const { folder } = config.models;
  const baseline = { ...config.baseline, model: await pinModel(config.baseline.model, folder) };
  const candidate = { ...config.candidate, model: await pinModel(config.candidate.model, folder) };
  await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
  await registerProfiles(database, activeProfiles({ baseline, candidate }));
  return { ...config, baseline, candidate };
}

export async function createAllTables({
  database,
  queue,
  dryRun,
}: Pick<Servers, "database" | "queue" | "dryRun">): Promise<void> {
  await migrateDatabase(database);
  if (dryRun) process.stdout.write("-- BullMQ creates or updates its own tables, if the queue is in the database.\n\n");
  else await createQueueTables(queue);
}

async function openEmbedded(folder: string, log: Logger, scope: AsyncDisposableStack): Promise<string> {
  const embedded = scope.use(await openEmbeddedDatabase({ folder }));
  void embedded.ended.then((error) =>
    log.error({ error: error.message, remedy: error.remedy }, "embedded database ended"),
  );
  return embedded.connectionString;
}

function queueServer(config: Settings, connectionString: string): QueueServer {
  if (config.redisUrl !== undefined) return { kind: "redis", url: config.redisUrl };
  const schema = queueSchemaOf(config.schema);
  if (config.databaseUrl !== undefined) return { kind: "postgres", connectionString, schema };
  // PGlite does not deliver NOTIFY, with which BullMQ would wake up an idle worker.
  return { kind: "postgres", connectionString, schema, pollSeconds: 0.5 };
}
