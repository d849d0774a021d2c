import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { endsWithin, messageOf, ReembedError } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import {
  BatchHandedBack,
  type BatchResult,
  type EmbedBatch,
  type EmbedJob,
  type QueueServer,
  startEmbedWorker,
} from "@reembed/queue";
import {
  answerWithin,
  createMetrics,
  type Followed,
  type Logger,
  outlast,
  presentValue,
  repeatEvery,
  traced,
} from "@reembed/runtime";
import { type Database, describeServer } from "@reembed/store/database";
import { followDatabaseClock } from "@reembed/store/diagnosis";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { addThroughput, recordHeartbeat, removeHeartbeat } from "@reembed/store/progress";
import { type BatchContext, embedBatch, type MicroBatchReport } from "./embed-batch.ts";
import { RateMeter } from "./rate-meter.ts";
import { Waits } from "./waits.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

const heartbeatMs = 2_000;
/** How long stopping waits for running micro-batches. A run of the model that takes longer is abandoned; another worker repeats it. */
const lastRunMs = 6_000;
/** How long stopping waits for each of the last statements. */
const lastStatementMs = 1_000;

/**
 * Number of batches to process at a time. A CPU takes seconds for a batch, so a second one is ready in time. A large GPU takes
 * 40 ms, about as long as reading, tokenising and storing a batch of 64 chunks.
 */
export function defaultConcurrency(device: string): number {
  return device.startsWith("cuda") ? 4 : 2;
}

export interface WorkerOptions {
  database: Database;
  profile: RegisteredProfile;
  embedder: Embedder;
  queue: QueueServer;
  /** Batches to process at a time: while one is in the model, the next is read and the last is stored. */
  concurrency: Followed<number>;
  lockDurationMs: number;
  log: Logger;
  /** By default metrics are counted but not served. */
  metrics?: WorkerMetrics;
}

/**
 * Starts a worker: it takes batches of one profile, embeds and stores them, and records heartbeats in the database. Disposal
 * finishes running micro-batches, if that takes only seconds, and returns the rest to the queue. If a run of the model takes
 * longer, the embedder is closed.
 * @throws ReembedError `model_differs` if the embedder's model is not the profile's registered one.
 */
export async function startWorker(options: WorkerOptions): Promise<AsyncDisposable> {
  const { database, profile, embedder, log } = options;
  const { metrics = new WorkerMetrics(createMetrics(), profile.name) } = options;
  refuseOtherModel(profile, embedder);
  await using scope = new AsyncDisposableStack();
  const stopping = new AbortController();
  const rate = new RateMeter();
  const followClock = () =>
    followDatabaseClock(database, (wrong) => log.warn({ error: wrong }, "this host's clock is wrong"));
  const waits = new Waits();
  scope.use(startHeartbeat(options, { rate, waits, followClock }));
  // Before any time of this host's clock is written to the queue. The server may become unreachable again after the checks.
  const waiting = { log, server: describeServer(database), stopping: stopping.signal };
  await outlast(followClock, waiting);
  const readConcurrency = () => presentValue(options.concurrency);

  const processBatch = batchProcessor(options, { rate, waits, metrics, stopping: stopping.signal });
  const worker = startEmbedWorker(options.queue, profile.name, processBatch, {
    concurrency: await outlast(readConcurrency, waiting),
    lockDurationMs: options.lockDurationMs,
    onError: (error) => log.warn({ error: messageOf(error) }, "queue error"),
  });
  countJobs(worker, metrics, log);
  const followConcurrency = async () => {
    const concurrency = await readConcurrency();
    if (concurrency === worker.concurrency) return;
    worker.concurrency = concurrency;
    log.info({ concurrency }, "batches at a time changed");
  };
  scope.use(
    repeatEvery(heartbeatMs, followConcurrency, (error) =>
      log.warn({ error: messageOf(error) }, "the number of batches at a time could not be read"),
    ),
  );
  scope.defer(async () => {
    stopping.abort();
    const closed = worker.close();
    if (!(await endsWithin(lastRunMs, closed))) await embedder[Symbol.asyncDispose]();
    await closed;
  });
  return scope.move();
}

/** Records every two seconds that the worker is there, and what it has done. Disposal removes the record. */
function startHeartbeat(
  { database, profile: { name }, embedder, log }: WorkerOptions,
  { rate, waits, followClock }: { rate: RateMeter; waits: Waits; followClock: () => Promise<number> },
): AsyncDisposable {
  const host = hostname();
  const id = `${host}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const heartbeat = { id, host, pid: process.pid, profile: name, device: embedder.device };
  const recordWork = async () => {
    await followClock();
    const { revision: modelRevision } = embedder.model;
    await recordHeartbeat(database, { ...heartbeat, modelRevision, ...rate.read(), waitsFor: waits.reason });
    await addThroughput(database, name, rate.take());
  };
  const onFailure = (error: unknown) => log.warn({ error: messageOf(error) }, "the heartbeat could not be recorded");
  const scope = new AsyncDisposableStack();
  scope.defer(() => answerWithin(lastStatementMs, removeHeartbeat(database, id)).catch(onFailure));
  scope.defer(() => answerWithin(lastStatementMs, addThroughput(database, name, rate.take())).catch(onFailure));
  scope.use(repeatEvery(heartbeatMs, recordWork, onFailure));
  return scope;
}

/** The function that the queue calls for each batch. It embeds the batch, and keeps it while a server that it needs is away. */
function batchProcessor(
  { database, profile, embedder, log }: WorkerOptions,
  { rate, waits, metrics, stopping }: { rate: RateMeter; waits: Waits; metrics: WorkerMetrics; stopping: AbortSignal },
) {
  const servers = `${describeServer(database)}${orEmbedder(embedder.device)}`;
  return async (batch: EmbedBatch, job: EmbedJob): Promise<BatchResult> => {
    const startedAt = performance.now();
    const batchLog = log.child({ job: job.id, profile: profile.name, kind: batch.kind });
    const context: BatchContext = {
      database,
      profile,
      embedder,
      log: batchLog,
      stopping,
      onStage: (stage, seconds) => metrics.addStage(stage, seconds),
      onProgress: async (report) => {
        rate.add(report.counts.embedded + report.counts.reused, report.counts.tokens);
        metrics.addChunks(report.counts);
        // Not awaited: if the queue's server is away or full, vectors are still stored.
        void reportProgress(job, report).catch((error: unknown) =>
          batchLog.warn({ error: messageOf(error) }, "progress not reported"),
        );
      },
    };
    const onWait = (error: unknown) => waits.set(job, error);
    const waiting = { log: batchLog, server: servers, stopping, onWait };
    return await traced("embed batch", factsOf(batch, job, { profile, embedder }), async ({ tell }) => {
      const result = await outlast(() => embedBatch(batch, context), waiting).catch((error: unknown) => {
        // While stopping, an error may be caused by the stop: the batch is intact and waits for another worker.
        throw stopping.aborted ? new BatchHandedBack() : error;
      });
      const { truncatedTokens: truncated_tokens, ...counts } = result;
      tell({ ...counts, truncated_tokens });
      batchLog.info({ chunks: batch.chunkIds.length, ...result, tookMs: elapsedMs(startedAt) }, "batch done");
      return result;
    });
  };
}

/** What a trace says of a batch beforehand. A batch that is retried or taken over has a span for each attempt. */
function factsOf(
  { kind, chunkIds }: EmbedBatch,
  { id, timestamp, processedOn, attemptsStarted }: EmbedJob,
  { profile, embedder }: Pick<WorkerOptions, "profile" | "embedder">,
) {
  // By the clocks of two hosts, which may differ.
  const waitedMs = Math.max(0, (processedOn ?? timestamp) - timestamp);
  return {
    ...{ profile: profile.name, chunking: profile.chunking, device: embedder.device },
    ...{ kind, job: id, attempt: attemptsStarted, chunks: chunkIds.length, waited_seconds: waitedMs / 1_000 },
  };
}

function countJobs(worker: ReturnType<typeof startEmbedWorker>, metrics: WorkerMetrics, log: Logger): void {
  worker.on("completed", () => metrics.addJob("completed"));
  worker.on("failed", (job, error) => {
    metrics.addJob("failed");
    log.error({ job: job?.id, error: messageOf(error) }, "batch failed");
  });
  worker.on("stalled", (job) => {
    metrics.addJob("stalled");
    log.warn({ job }, "batch taken over: its lock expired");
  });
}

async function reportProgress(job: EmbedJob, { quarantined, share }: MicroBatchReport): Promise<void> {
  for (const { chunkId, reason, detail } of quarantined) {
    await job.log(`Chunk ${chunkId} was quarantined: ${reason}: ${detail}`);
  }
  await job.updateProgress(Math.round(100 * share));
}

/** The other server that may be away, besides the database. */
function orEmbedder(device: string): string {
  if (device === "http") return " or the embedding server";
  return device.startsWith("cuda") ? ` or the device ${device}` : "";
}

function elapsedMs(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

function refuseOtherModel(profile: RegisteredProfile, { model }: Embedder): void {
  if (model.id === profile.model && model.revision === profile.revision) return;
  throw new ReembedError(
    "model_differs",
    `Profile ${profile.name} is embedded with ${profile.model} at ${profile.revision}; this worker has ${model.id} at ${model.revision}.`,
    { exitCode: 3, remedy: "Start it with the same environment as `reembed init`." },
  );
}
