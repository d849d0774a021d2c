import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedDatabase } from "@reembed/embedded";
import { createQueueTables, type QueueServer } from "@reembed/queue";
import { type Database, migrateDatabase, openDatabase } from "@reembed/store/database";
import { nativeUnavailable, startNativePostgres, startNativeRedis } from "@reembed/testing";

export interface Servers {
  database: Database;
  queue: QueueServer;
  /** The lock duration of workers, with the default of each way to run. */
  lockDurationMs: number;
  title: string;
}

/** PostgreSQL and Redis if they are installed, otherwise the embedded database: empty, with tables. */
export async function openServers(scope: AsyncDisposableStack): Promise<Servers> {
  const servers = nativeUnavailable() === undefined ? await openNative(scope) : await openEmbedded(scope);
  const database = openDatabase(servers);
  scope.defer(() => database.$client.end());
  await migrateDatabase(database);
  await createQueueTables(servers.queue);
  return { ...servers, database };
}

type Started = Omit<Servers, "database"> & { connectionString: string };

async function openNative(scope: AsyncDisposableStack): Promise<Started> {
  // PostgreSQL's defaults, as in production: a commit waits for the disk.
  const settings = { fsync: "on", full_page_writes: "on" };
  const { connectionString } = scope.use(await startNativePostgres({ settings }));
  const { url } = scope.use(await startNativeRedis());
  return { connectionString, queue: { kind: "redis", url }, lockDurationMs: 8_000, title: "PostgreSQL and Redis" };
}

async function openEmbedded(scope: AsyncDisposableStack): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-bench-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const { connectionString } = scope.use(await openEmbeddedDatabase({ folder }));
  const queue = { kind: "postgres", connectionString, pollSeconds: 0.5 } as const;
  return { connectionString, queue, lockDurationMs: 60_000, title: "the embedded database" };
}
