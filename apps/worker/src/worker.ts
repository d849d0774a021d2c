import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { messageOf, ReembedError } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { type BatchResult, type EmbedBatch, type EmbedJob, type QueueServer, startEmbedWorker } from "@reembed/queue";
import { type Logger, repeatEvery } from "@reembed/runtime";
import { type Database, type RegisteredProfile, recordHeartbeat, removeHeartbeat } from "@reembed/store";
import { embedBatch, type MicroBatchReport } from "./embed-batch.ts";
import { RateMeter } from "./rate-meter.ts";

const heartbeatMs = 2_000;

export interface WorkerOptions {
  database: Database;
  profile: RegisteredProfile;
  embedder: Embedder;
  queue: QueueServer;
  /** Batches in hand at a time: while one is in the model, the next is read and the last is stored. */
  concurrency: number;
  lockDurationMs: number;
  log: Logger;
}

/**
 * Starts a worker: it takes batches of one profile, embeds and stores them, and says in the database that it is alive.
 * Disposing of it finishes the micro-batches in hand and hands the rest back.
 * @throws ReembedError `model_differs` when the embedder's model is not the one that the profile was registered with.
 */
export async function startWorker(options: WorkerOptions): Promise<AsyncDisposable> {
  const { database, profile, embedder, log } = options;
  refuseOtherModel(profile, embedder);
  await using scope = new AsyncDisposableStack();
  const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const rate = new RateMeter();
  const stopping = new AbortController();

  const heartbeat = { id, host: hostname(), pid: process.pid, profile: profile.name, device: embedder.device };
  scope.defer(() => removeHeartbeat(database, id).catch(() => undefined));
  scope.use(
    repeatEvery(
      heartbeatMs,
      () => recordHeartbeat(database, { ...heartbeat, modelRevision: embedder.model.revision, ...rate.read() }),
      (error) => log.warn({ error: messageOf(error) }, "heartbeat not recorded"),
    ),
  );

  const processBatch = async (batch: EmbedBatch, job: EmbedJob): Promise<BatchResult> => {
    const startedAt = performance.now();
    const batchLog = log.child({ job: job.id, profile: profile.name, kind: batch.kind });
    const onProgress = async (report: MicroBatchReport) => {
      rate.add(report.embedded.length, tokensOf(report));
      await reportProgress(job, report);
    };
    const context = { database, profile, embedder, log: batchLog, onProgress, stopping: stopping.signal };
    const result = await embedBatch(batch, context);
    batchLog.info({ chunks: batch.chunkIds.length, ...result, tookMs: elapsedMs(startedAt) }, "batch done");
    return result;
  };
  const worker = startEmbedWorker(options.queue, profile.name, options, processBatch, (error) =>
    log.warn({ error: messageOf(error) }, "queue error"),
  );
  worker.on("failed", (job, error) => log.error({ job: job?.id, error: messageOf(error) }, "batch failed"));
  worker.on("stalled", (job) => log.warn({ job }, "batch taken over from a worker that died"));
  scope.defer(async () => {
    stopping.abort();
    await worker.close();
  });
  return scope.move();
}

async function reportProgress(job: EmbedJob, { quarantined, share }: MicroBatchReport): Promise<void> {
  for (const { chunkId, reason, detail } of quarantined) {
    await job.log(`Chunk ${chunkId} was quarantined: ${reason}: ${detail}`);
  }
  await job.updateProgress(Math.round(100 * share));
}

function tokensOf({ embedded }: MicroBatchReport): number {
  return embedded.reduce((sum, chunk) => sum + chunk.tokenCount - chunk.truncatedTokens, 0);
}

function elapsedMs(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

function refuseOtherModel(profile: RegisteredProfile, { model }: Embedder): void {
  if (model.id === profile.model && model.revision === profile.revision) return;
  throw new ReembedError(
    "model_differs",
    `Profile ${profile.name} is embedded with ${profile.model} at ${profile.revision}; this worker has ${model.id} at ${model.revision}.`,
    { exitCode: 3, remedy: "Start it with the environment that `reembed init` was run with." },
  );
}
