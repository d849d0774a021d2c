import { backoffMs, endsWithin, prepareSessionStatement } from "@reembed/core";
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
/** A connection says goodbye to a server that answers within milliseconds. */
const goodbyeMs = 1_000;

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
  const create: typeof createRedisBackend = (...options) => endPromptly(createRedisBackend(...options));
  return { connection, backend: create };
}

/** What a worker's end asks of a backend, on either server. */
interface EndingBackend {
  waitForJob(timeoutSeconds: number): Promise<unknown>;
  disconnectBlocking(wait?: boolean): Promise<void>;
  close(force?: boolean): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * Nothing waits for a server that is away, or hangs, once its connections are to be closed. ioredis 6.0 never says that
 * a connection has ended which is closed between two attempts to connect: BullMQ 6.7 waits for that word, and for the
 * blocking command that was on its way, for ever.
 */
function endPromptly<Backend extends EndingBackend>(backend: Backend): Backend {
  const { waitForJob, disconnectBlocking, close } = backend;
  let interrupt = (): void => {};
  backend.waitForJob = (timeoutSeconds) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    interrupt = () => reject(new Error("Connection is closed."));
    waitForJob.call(backend, timeoutSeconds).then(resolve, reject);
    return promise;
  };
  backend.disconnectBlocking = async (wait) => {
    await endsWithin(goodbyeMs, disconnectBlocking.call(backend, wait));
    interrupt();
  };
  backend.close = async (force) => {
    if (await endsWithin(goodbyeMs, close.call(backend, force))) return;
    void backend.disconnect().catch(() => undefined);
  };
  return backend;
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
    return endPromptly(endWith(backend, pool));
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
