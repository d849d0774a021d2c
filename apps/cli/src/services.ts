import { activeProfiles, type Config } from "@reembed/config";
import { messageOf } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
import { checkQueueServer, checkQueueTables, createQueueTables, type QueueServer } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import {
  checkDatabase,
  checkTables,
  type Database,
  migrateDatabase,
  openDatabase,
  registerProfiles,
} from "@reembed/store";

/** The database and the queue's server that a command works on, checked. */
export interface Services extends AsyncDisposable {
  database: Database;
  queue: QueueServer;
}

/**
 * Opens the services that the configuration names: its own servers, which `reembed init` has set up, or the embedded
 * database, which is set up at once. Disposing of them closes the connections, and the embedded database with them.
 * @throws ReembedError of `openServers`, and with exit code 3 when the servers are not set up.
 */
export async function openServices(config: Config, log: Logger): Promise<Services> {
  await using scope = new AsyncDisposableStack();
  const { database, queue } = scope.use(await openServers(config, log));
  if (config.databaseUrl === undefined) {
    await initialize(config, { database, queue });
  } else {
    await checkTables(database);
    await checkQueueTables(queue);
  }
  const opened = scope.move();
  return { database, queue, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * Opens the services as they are, for a command that sets them up itself.
 * @throws ReembedError of `checkDatabase`, `checkQueueServer` or `openEmbeddedDatabase`.
 */
export async function openServers(config: Config, log: Logger): Promise<Services> {
  await using scope = new AsyncDisposableStack();
  const connectionString = config.databaseUrl ?? (await openEmbedded(config.folder, log, scope));
  const database = openDatabase({
    connectionString,
    onConnectionLost: (error) => log.warn({ error: messageOf(error) }, "database connection lost"),
  });
  scope.defer(() => database.$client.end());
  await checkDatabase(database);
  const queue = queueServer(config, connectionString);
  await checkQueueServer(queue);
  const opened = scope.move();
  return { database, queue, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Creates or updates the tables, BullMQ's where the queue is in the database, and registers the active profiles. */
export async function initialize(
  config: Config,
  { database, queue }: Pick<Services, "database" | "queue">,
): Promise<void> {
  await migrateDatabase(database);
  await createQueueTables(queue);
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
  // PGlite does not deliver NOTIFY, by which BullMQ would wake an idle worker.
  return { kind: "postgres", connectionString, pollSeconds: 0.5 };
}
