import { backoffMs, endsWithin, prepareSessionStatement } from "@reembed/core";
import { type BackendFactory, createPostgresBackend, createRedisBackend, type QueueOptions } from "bullmq";
import { PatientPool } from "./patient-pool.ts";
import { type QueueServer, queueSchema } from "./server.ts";

type RedisBackend = ReturnType<typeof createRedisBackend>;

/** BullMQ's own pause grows to 20 s, for which a fleet would stand still after each outage. */
const reconnecting = { leastMs: 100, mostMs: 3_000 };
/**
 * A server that no longer answers is given up after this time; TCP alone would take up to 15 minutes. BullMQ's statements
 * take milliseconds, and it blocks for 10 s at most.
 */
const noAnswerMs = 30_000;
/** How long closing a connection waits for the server, which normally answers within milliseconds. */
const goodbyeMs = 1_000;

/** How BullMQ connects to a queue server, and continues after an outage. */
export function backendOf(server: QueueServer): {
  connection: QueueOptions["connection"];
  backend: BackendFactory<RedisBackend>;
} {
  if (server.kind === "postgres") return { connection: {}, backend: postgresBackend(server) };
  const connection = {
    url: server.url,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => backoffMs(attempt, reconnecting),
    socketTimeout: noAnswerMs,
  };
  const create: typeof createRedisBackend = (...options) => endPromptly(createRedisBackend(...options));
  return { connection, backend: create };
}

/** The methods of a backend that closing a worker calls, on either server. */
interface EndingBackend {
  waitForJob(timeoutSeconds: number): Promise<unknown>;
  disconnectBlocking(wait?: boolean): Promise<void>;
  close(force?: boolean): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * Makes closing independent of the server. ioredis 6.0 never reports the end of a connection that is closed between two
 * attempts to connect, and BullMQ 6.7 waits for that report, and for the blocking command in flight, for ever.
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
      // Not a startup parameter, because poolers refuse it. In PGlite all connections share one session and its search path.
      onConnect: async (client) => {
        await client.query(prepareSessionStatement);
        if (server.pollSeconds === undefined) await client.query(`set search_path = ${queueSchema(server)}`);
      },
      // Two for statements, and one on which a worker listens.
      max: 3,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // PGlite answers nobody while it runs one of our statements, however long that takes.
      ...(server.pollSeconds === undefined ? { query_timeout: noAnswerMs } : {}),
    });
    const backend = createPostgresBackend(name, { ...options, connection: pool }, factoryOptions);
    // Of a pool that it is given, BullMQ 6.7 takes for granted that it is for its own schema, and checks the tables there.
    Object.assign(backend.connection, { schema: queueSchema(server) });
    return endPromptly(endWith(backend, pool));
  };
  // BullMQ's type is that of its Redis backend. We use only what both backends have.
  return create as unknown as BackendFactory<RedisBackend>;
}

/** Closes the pool with the backend. From the moment that a worker closes, the pool no longer waits for its server. */
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
