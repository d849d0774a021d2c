import type { Embedder } from "@reembed/embedder";
import { BatchHandedBack, type BatchResult, type EmbedBatch } from "@reembed/queue";
import { type Logger, outlast, traced } from "@reembed/runtime";
import { countAttempt } from "@reembed/store/changes";
import { type Database, describeServer } from "@reembed/store/database";
import {
  type EmbeddedChunk,
  type PendingChunk,
  quarantineChunks,
  type RejectedChunk,
  readPendingChunks,
  reuseEmbeddings,
  upsertEmbeddings,
} from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { embedIsolating, type IsolatedOutcome } from "./embed-isolating.ts";

export interface BatchContext {
  database: Database;
  profile: RegisteredProfile;
  embedder: Embedder;
  log: Logger;
  /** Called after every micro-batch. */
  onProgress: (done: MicroBatchReport) => Promise<void>;
  /** Called with the duration of a stage in seconds. */
  onStage: (stage: "read" | "upsert", seconds: number) => void;
  /** If it is aborted, the current micro-batch is stored and the rest of the batch is returned to the queue. */
  stopping: AbortSignal;
}

export interface MicroBatchReport {
  counts: BatchResult;
  quarantined: RejectedChunk[];
  /** Share of the batch that is done, from 0 to 1. */
  share: number;
}

/** After this many workers have died while they embedded a chunk, it is quarantined. */
const attemptsAtMost = 5;

/**
 * Embeds the chunks of one batch that lack a current vector, and stores each micro-batch at once, so that a kill loses only
 * one micro-batch. If another chunk has a vector of the same text, that vector is copied. Safe to run twice: a second run
 * finds nothing pending.
 *
 * Chunks that a worker was processing when it died are embedded last, one by one: if one of them kills the worker, it is
 * the only one that is finally quarantined.
 * @throws BatchHandedBack if it is asked to stop.
 */
export async function embedBatch(batch: EmbedBatch, context: BatchContext): Promise<BatchResult> {
  const { database, profile } = context;
  const startedAt = performance.now();
  const { pending, reused } = await traced("read", {}, async ({ tell }) => {
    const pending = await readPendingChunks(database, profile, batch.chunkIds);
    const reused = new Set(await reuseEmbeddings(database, profile, pending));
    tell({ pending: pending.length, reused: reused.size });
    return { pending, reused };
  });
  context.onStage("read", secondsSince(startedAt));
  const run = new BatchRun(context, pending.length);

  if (reused.size > 0) await run.settle({ reused: reused.size });
  const left = pending.filter((chunk) => !reused.has(chunk.id));
  const isSuspect = ({ attempts }: PendingChunk) => attempts !== null && attempts > 0;
  await run.embed(left.filter((chunk) => !isSuspect(chunk)));
  for (const suspect of left.filter(isSuspect)) {
    if ((suspect.attempts ?? 0) >= attemptsAtMost) await run.giveUp(suspect);
    else await run.embed([suspect]);
  }
  return run.result;
}

const nothingYet: BatchResult = { embedded: 0, reused: 0, stale: 0, quarantined: 0, tokens: 0, truncatedTokens: 0 };

class BatchRun {
  readonly result: BatchResult = { ...nothingYet };
  readonly #context: BatchContext;
  readonly #total: number;
  #done = 0;

  constructor(context: BatchContext, total: number) {
    this.#context = context;
    this.#total = total;
  }

  async embed(chunks: readonly PendingChunk[]): Promise<void> {
    if (chunks.length === 0) return;
    const { database, embedder, log, stopping } = this.#context;
    const changes = chunks.filter(({ attempts }) => attempts !== null).map(({ id }) => id);
    try {
      await this.#countAttempt(changes, 1);
      await traced("embed", { device: embedder.device, chunks: chunks.length }, async ({ tell }) => {
        let microBatches = 0;
        const tokensBefore = this.result.tokens;
        for await (const outcomes of embedIsolating(
          embedder,
          chunks.map((chunk) => chunk.content),
        )) {
          const { embedded, rejected } = matchOutcomes(chunks, outcomes);
          log.debug({ chunkIds: embedded.map((chunk) => chunk.chunkId) }, "micro-batch embedded");
          await this.#store(embedded, rejected);
          tell({ micro_batches: ++microBatches, tokens: this.result.tokens - tokensBefore });
        }
      });
    } catch (error) {
      // No chunk is to blame if a server or a device fails, however often: attempts are taken back, and the server is awaited.
      const takeBack = () => this.#countAttempt(changes, -1);
      await outlast(takeBack, { log, server: describeServer(database), stopping }).catch(() => undefined);
      throw error;
    }
  }

  async #countAttempt(changes: readonly number[], by: 1 | -1): Promise<void> {
    const { database, profile } = this.#context;
    if (changes.length > 0) await countAttempt(database, profile, changes, by);
  }

  async giveUp({ id, contentHash }: PendingChunk): Promise<void> {
    const detail = `${attemptsAtMost} workers died while they embedded it.`;
    await this.#store([], [{ chunkId: id, contentHash, reason: "attempts_exhausted", detail }]);
  }

  async #store(embedded: EmbeddedChunk[], rejected: RejectedChunk[]): Promise<void> {
    const { database, profile, onStage } = this.#context;
    const startedAt = performance.now();
    const { written, quarantined } = await traced("store", {}, async ({ tell }) => {
      const written = await upsertEmbeddings(database, profile, embedded);
      const setAside = new Set(await quarantineChunks(database, profile, rejected));
      const quarantined = rejected.filter((chunk) => setAside.has(chunk.chunkId));
      tell({ stored: written.length, stale: embedded.length - written.length, quarantined: quarantined.length });
      return { written, quarantined };
    });
    onStage("upsert", secondsSince(startedAt));
    const truncatedTokens = embedded.reduce((sum, chunk) => sum + chunk.truncatedTokens, 0);
    const counts = {
      embedded: written.length,
      stale: embedded.length - written.length + rejected.length - quarantined.length,
      quarantined: quarantined.length,
      tokens: embedded.reduce((sum, chunk) => sum + chunk.tokenCount, -truncatedTokens),
      truncatedTokens,
    };
    await this.settle(counts, quarantined);
  }

  /** Counts the results of chunks, reports them, and stops here if requested. */
  async settle(settled: Partial<BatchResult>, quarantined: RejectedChunk[] = []): Promise<void> {
    const { onProgress, stopping } = this.#context;
    const counts: BatchResult = { ...nothingYet, ...settled };
    for (const name of Object.keys(counts) as (keyof BatchResult)[]) this.result[name] += counts[name];
    this.#done += counts.embedded + counts.reused + counts.stale + counts.quarantined;
    await onProgress({ counts, quarantined, share: this.#done / this.#total });
    if (stopping.aborted && this.#done < this.#total) throw new BatchHandedBack();
  }
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000;
}

function matchOutcomes(
  chunks: readonly PendingChunk[],
  outcomes: readonly IsolatedOutcome[],
): { embedded: EmbeddedChunk[]; rejected: RejectedChunk[] } {
  const embedded: EmbeddedChunk[] = [];
  const rejected: RejectedChunk[] = [];
  for (const outcome of outcomes) {
    const chunk = chunks[outcome.index];
    if (chunk === undefined) {
      throw new RangeError(`The embedder answered for text ${outcome.index} of ${chunks.length}`);
    }
    const { id: chunkId, contentHash } = chunk;
    if ("rejected" in outcome) {
      rejected.push({ chunkId, contentHash, reason: outcome.rejected, detail: outcome.detail });
    } else {
      const { vector, tokenCount, truncatedTokens } = outcome;
      embedded.push({ chunkId, contentHash, vector, tokenCount, truncatedTokens });
    }
  }
  return { embedded, rejected };
}
