import { type Processor, Queue, type QueueOptions, type Worker, type WorkerOptions } from "bullmq";
import { backendOf } from "./backend.ts";
import { PatientWorker } from "./patient-worker.ts";
import { explainQueueError } from "./queue-error.ts";
import { readableJob } from "./readable-job.ts";
import type { QueueServer } from "./server.ts";

/** How long BullMQ waits before it reports a job's result again; with its own 15 s, every lock of a fleet would expire. */
const retryMs = 1_000;

/**
 * Receives errors from which BullMQ recovers by itself: a lock that expired, or a server that is away (again at every
 * attempt to connect).
 */
export type OnQueueError = (error: Error) => void;

/** BullMQ's queue on either server. It can list jobs whose data are not valid JSON. */
class ReadableQueue<Data, Result> extends Queue<Data, Result> {
  protected override get Job(): typeof readableJob {
    return readableJob;
  }
}

/** BullMQ's queue on either server. */
export function createQueue<Data, Result>(
  server: QueueServer,
  name: string,
  onError: OnQueueError,
  options: Omit<QueueOptions, "connection"> = {},
): Queue<Data, Result> {
  const { connection, backend } = backendOf(server);
  const queue = new ReadableQueue<Data, Result>(name, { ...options, ...prefixOf(server), connection }, backend);
  // Without a listener for "error", a lost connection would end the process.
  queue.on("error", (error) => onError(explainQueueError(server, error)));
  return queue;
}

export function createWorker<Data, Result>(
  server: QueueServer,
  name: string,
  processor: Processor<Data, Result>,
  { onError, ...options }: Omit<WorkerOptions, "connection"> & { onError: OnQueueError },
): Worker<Data, Result> {
  const { connection, backend } = backendOf(server);
  const polling =
    server.kind === "postgres" && server.pollSeconds !== undefined ? { drainDelay: server.pollSeconds } : {};
  const settings = { runRetryDelay: retryMs, ...polling, ...options, ...prefixOf(server), connection };
  const worker = new PatientWorker<Data, Result>(name, processor, settings, backend);
  worker.on("error", (error) => onError(explainQueueError(server, error)));
  return worker;
}

function prefixOf(server: QueueServer): { prefix?: string } {
  return server.kind === "redis" && server.prefix !== undefined ? { prefix: server.prefix } : {};
}
