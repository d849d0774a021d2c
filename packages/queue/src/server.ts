import { defaultSchema, prepareSessionStatement, queueSchemaOf, ReembedError } from "@reembed/core";
import { assertSchemaCompatibility, LATEST_SCHEMA_VERSION, runMigrations, SchemaMigrationRequiredError } from "bullmq";
import pg from "pg";
import { type RedisFacts, readRedisFacts } from "./redis-facts.ts";

/** The server of the queue: Redis, or the database through BullMQ's PostgreSQL backend. */
export type QueueServer =
  | {
      kind: "redis";
      url: string;
      /** Prefix of every key, which separates the queues of several databases; by default BullMQ's own. */
      prefix?: string;
    }
  | {
      kind: "postgres";
      connectionString: string;
      /** The schema of BullMQ's tables, separate from ours and the application's; by default `bullmq`. */
      schema?: string;
      /** How often an idle worker polls, for servers whose NOTIFY does not arrive. */
      pollSeconds?: number;
    };

/** The schema of BullMQ's tables on PostgreSQL. */
export function queueSchema({ schema = queueSchemaOf(defaultSchema) }: QueueServer & { kind: "postgres" }): string {
  return schema;
}

const leastRedis = [6, 2] as const;

/**
 * Checks a Redis server before any work starts. A PostgreSQL server is checked together with the database.
 * @throws ReembedError `redis_unreachable`, `redis_too_old`, `redis_clustered` or `redis_evicts`.
 */
export async function checkQueueServer(server: QueueServer): Promise<void> {
  if (server.kind === "redis") requireRedis(await readRedisFacts(server.url));
}

/** @throws ReembedError `redis_too_old`, `redis_clustered` or `redis_evicts`. */
export function requireRedis({
  version,
  clustered,
  policy,
}: Pick<RedisFacts, "version" | "clustered" | "policy">): void {
  checkVersion(version);
  if (clustered) {
    throw new ReembedError(
      "redis_clustered",
      "Redis is a node of a cluster, which spreads the keys of a queue over its nodes.",
      {
        exitCode: 3,
        remedy: "Set REDIS_URL to a Redis without cluster mode; the queue stays below 64 MB for any corpus.",
      },
    );
  }
  checkPolicy(policy);
}

/** Creates BullMQ's tables if the queue is on PostgreSQL, under BullMQ's own lock. Redis needs no tables. */
export async function createQueueTables(server: QueueServer): Promise<void> {
  if (server.kind === "redis") return;
  await withClient(server.connectionString, (client) => runMigrations(client, queueSchema(server)));
}

/**
 * Checks that BullMQ's tables exist and are not older than this version: without them its workers fail in a loop.
 * @throws ReembedError `queue_tables_missing` (exit code 3).
 */
export async function checkQueueTables(server: QueueServer): Promise<void> {
  if (server.kind === "redis") return;
  const version = await withClient(server.connectionString, (client) =>
    assertSchemaCompatibility(client, queueSchema(server)).catch((error: unknown) => {
      if (error instanceof SchemaMigrationRequiredError) return 0;
      throw error;
    }),
  );
  if (version >= LATEST_SCHEMA_VERSION) return;
  throw new ReembedError(
    "queue_tables_missing",
    "The database has no tables for the queue, or tables of an older version.",
    {
      exitCode: 3,
      remedy: "Run `reembed init` with the same environment, or set REDIS_URL to have the queue on Redis.",
    },
  );
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  // Without a listener for "error", a lost connection would end the process after the query was rejected.
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(prepareSessionStatement);
    return await work(client);
  } finally {
    await client.end();
  }
}

function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > leastRedis[0] || (major === leastRedis[0] && minor >= leastRedis[1])) return;
  throw new ReembedError("redis_too_old", `Redis is version ${version}; ${leastRedis.join(".")} or newer is needed.`, {
    exitCode: 3,
    remedy: "Upgrade the server, or set REDIS_URL to another one.",
  });
}

function checkPolicy(policy: string): void {
  if (policy === "noeviction") return;
  throw new ReembedError(
    "redis_evicts",
    `Redis evicts keys, including jobs, when its memory is full (maxmemory-policy ${policy}).`,
    {
      exitCode: 3,
      remedy: "Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf.",
    },
  );
}
