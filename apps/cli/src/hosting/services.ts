import { activeProfiles, type Config } from "@reembed/config";
import { messageOf } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
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
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { impatience, type Patience } from "./serve.ts";

/** A command's database and queue server, which have been checked. */
export interface Services extends AsyncDisposable {
  database: Database;
  queue: QueueServer;
  /** If true, the database prints the statements that would change it, and the queue must not be changed. */
  dryRun: boolean;
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
  config: Config,
  log: Logger,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions = {},
): Promise<Services> {
  await using scope = new AsyncDisposableStack();
  const services = scope.use(await openServers(config, log, { purpose, answerWithinMs, patience }));
  const { database } = services;
  if (config.databaseUrl === undefined) {
    await initialize(config, services);
  } else {
    await patience(describeServer(database), () => checkTables(database));
    await patience(describeQueueServer(services.queue), () => checkQueueTables(services.queue));
  }
  const queue = await patience(describeServer(database), () => queueOf(database, services.queue));
  const given = dryRun ? openPool(database.$client.options.connectionString ?? "", log, scope, { dryRun }) : database;
  const opened = scope.move();
  return { database: given, queue, dryRun, [Symbol.asyncDispose]: () => opened.disposeAsync() };
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
  config: Config,
  log: Logger,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions = {},
): Promise<Services> {
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
  config: Config,
  log: Logger,
  options: OpenOptions = {},
): Promise<Pick<Services, "database"> & AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  const { database } = await openOwnDatabase(config, log, scope, options);
  const opened = scope.move();
  return { database, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * Opens an application's database for a command that must not write to it: PostgreSQL refuses every write.
 * @throws ReembedError of `checkDatabase`.
 */
export async function openDatabaseToRead(
  connectionString: string,
  log: Logger,
): Promise<Pick<Services, "database"> & AsyncDisposable> {
  const database = openDatabase({
    ...{ connectionString, purpose: "background", readOnly: true },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  await checkDatabase(database).catch(async (error: unknown) => {
    await database.$client.end();
    throw error;
  });
  return { database, [Symbol.asyncDispose]: () => database.$client.end() };
}

async function openOwnDatabase(
  config: Config,
  log: Logger,
  scope: AsyncDisposableStack,
  { dryRun = false, purpose, answerWithinMs, patience = impatience }: OpenOptions,
): Promise<{ database: Database; connectionString: string }> {
  const connectionString = config.databaseUrl ?? (await openEmbedded(config.folder, log, scope));
  const ownServer = config.databaseUrl !== undefined;
  const limits = { purpose, answerWithinMs: ownServer ? answerWithinMs : undefined };
  const database = openPool(connectionString, log, scope, { dryRun, ...limits });
  await patience(describeServer(database), async () => {
    await checkDatabase(database);
    if (ownServer) await checkSessions(database, config);
  });
  return { database, connectionString };
}

function openPool(
  connectionString: string,
  log: Logger,
  scope: AsyncDisposableStack,
  { dryRun, purpose, answerWithinMs }: OpenOptions,
): Database {
  const database = openDatabase({
    ...{ connectionString, purpose, answerWithinMs },
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
    onDryRun: dryRun ? (...statement) => process.stdout.write(`${describeStatement(...statement)}\n\n`) : undefined,
  });
  scope.defer(() => database.$client.end());
  return database;
}

/** Creates or updates the tables (with BullMQ's if the queue is in the database) and registers the active profiles. */
export async function initialize(
  config: Config,
  { database, queue, dryRun }: Pick<Services, "database" | "queue" | "dryRun">,
): Promise<void> {
  await migrateDatabase(database);
  if (dryRun) process.stdout.write("-- BullMQ creates or updates its own tables, if the queue is in the database.\n\n");
  else await createQueueTables(queue);
  await ensureRollout(database, { baseline: config.baseline.name, candidate: config.candidate.name });
  await registerProfiles(database, activeProfiles(config));
}

async function openEmbedded(folder: string, log: Logger, scope: AsyncDisposableStack): Promise<string> {
  const embedded = scope.use(await openEmbeddedDatabase({ folder }));
  void embedded.ended.then((error) =>
    log.error({ error: error.message, remedy: error.remedy }, "embedded database ended"),
  );
  return embedded.connectionString;
}

function queueServer(config: Config, connectionString: string): QueueServer {
  if (config.redisUrl !== undefined) return { kind: "redis", url: config.redisUrl };
  if (config.databaseUrl !== undefined) return { kind: "postgres", connectionString };
  // PGlite does not deliver NOTIFY, with which BullMQ would wake up an idle worker.
  return { kind: "postgres", connectionString, pollSeconds: 0.5 };
}
