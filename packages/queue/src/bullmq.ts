import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type Processor,
  Queue,
  type QueueOptions,
  Worker,
  type WorkerOptions,
} from "bullmq";
import { postgresSchema, type QueueServer } from "./server.ts";

/** Told of errors that BullMQ recovers from by itself: a lost connection, a lock that expired. */
export type OnQueueError = (error: Error) => void;

/** BullMQ's queue on either server. Its type is the Redis one: we use nothing that the two do not share. */
export function createQueue<Data, Result>(
  server: QueueServer,
  name: string,
  onError: OnQueueError,
  options: Omit<QueueOptions, "connection"> = {},
): Queue<Data, Result> {
  const { connection, backend } = backendOf(server);
  const queue = new Queue<Data, Result>(name, { ...options, connection }, backend);
  // Without a listener a lost connection would end the process.
  queue.on("error", onError);
  return queue;
}

export function createWorker<Data, Result>(
  server: QueueServer,
  name: string,
  processor: Processor<Data, Result>,
  onError: OnQueueError,
  options: Omit<WorkerOptions, "connection">,
): Worker<Data, Result> {
  const { connection, backend } = backendOf(server);
  const polling =
    server.kind === "postgres" && server.pollSeconds !== undefined ? { drainDelay: server.pollSeconds } : {};
  const worker = new Worker<Data, Result>(name, processor, { ...polling, ...options, connection }, backend);
  worker.on("error", onError);
  return worker;
}

function backendOf(server: QueueServer) {
  if (server.kind === "redis") {
    return { connection: { url: server.url, maxRetriesPerRequest: null }, backend: createRedisBackend };
  }
  return {
    connection: { connectionString: server.connectionString, schema: postgresSchema, max: 2 },
    backend: createPostgresBackend as unknown as BackendFactory<ReturnType<typeof createRedisBackend>>,
  };
}
