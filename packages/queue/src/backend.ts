import { backoffMs, prepareSessionStatement } from "@reembed/core";
import { type BackendFactory, createPostgresBackend, createRedisBackend, type QueueOptions } from "bullmq";
import { PatientPool } from "./patient-pool.ts";
import { postgresSchema, type QueueServer } from "./server.ts";

type RedisBackend = ReturnType<typeof createRedisBackend>;

/** BullMQ's own grows to 20 s, which a fleet would then stand still after each outage. */
const reconnecting = { leastMs: 100, mostMs: 3_000 };
/**
 * A server that vanishes without a word is given up after this long; TCP alone takes up to 15 minutes. BullMQ's
 * statements take milliseconds, and it blocks for 10 s at most.
 */
const silenceMs = 30_000;

/** How BullMQ reaches a queue server, and goes on after an outage of it. */
export function backendOf(server: QueueServer): {
  connection: QueueOptions["connection"];
  backend: BackendFactory<RedisBackend>;
} {
  if (server.kind === "postgres") return { connection: {}, backend: postgresBackend(server) };
  const connection = {
    url: server.url,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => backoffMs(attempt, reconnecting),
    socketTimeout: silenceMs,
  };
  return { connection, backend: createRedisBackend };
}

function postgresBackend(server: QueueServer & { kind: "postgres" }): BackendFactory<RedisBackend> {
  const create: typeof createPostgresBackend = (name, options, factoryOptions) => {
    const pool = new PatientPool({
      connectionString: server.connectionString,
      // Not as a startup parameter: a pooler refuses that. In PGlite all connections share one session and its path.
      onConnect: async (client) => {
        await client.query(prepareSessionStatement);
        if (server.pollSeconds === undefined) await client.query(`set search_path = ${postgresSchema}`);
      },
      // Two for statements, and one that a worker listens on.
      max: 3,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // PGlite answers nobody while it runs a statement of ours, however long that takes.
      ...(server.pollSeconds === undefined ? { query_timeout: silenceMs } : {}),
    });
    const backend = createPostgresBackend(name, { ...options, connection: pool }, factoryOptions);
    return endWith(backend, pool);
  };
  // Its type is the Redis one: we use nothing that the two do not share.
  return create as unknown as BackendFactory<RedisBackend>;
}

/** The pool is ours to end; and from the moment that a worker closes, it no longer waits for its server. */
function endWith<Backend extends ReturnType<typeof createPostgresBackend>>(
  backend: Backend,
  pool: PatientPool,
): Backend {
  const { disconnectBlocking, close } = backend;
  let ended: Promise<void> | undefined;
  backend.disconnectBlocking = (wait) => {
    pool.giveUp();
    return disconnectBlocking.call(backend, wait);
  };
  backend.close = async (force) => {
    pool.giveUp();
    await close.call(backend, force);
    ended ??= pool.end();
    await ended;
  };
  return backend;
}
