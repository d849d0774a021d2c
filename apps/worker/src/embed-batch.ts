import type { Embedder } from "@reembed/embedder";
import { BatchHandedBack, type BatchResult, type EmbedBatch } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import {
  countAttempt,
  type Database,
  type EmbeddedChunk,
  type PendingChunk,
  quarantineChunks,
  type RegisteredProfile,
  type RejectedChunk,
  readAttempts,
  readPendingChunks,
  upsertEmbeddings,
} from "@reembed/store";
import { embedIsolating, type IsolatedOutcome } from "./embed-isolating.ts";

export interface BatchContext {
  database: Database;
  profile: RegisteredProfile;
  embedder: Embedder;
  log: Logger;
  /** Told after every micro-batch. */
  onProgress: (done: MicroBatchReport) => Promise<void>;
  /** When it is aborted, the micro-batch in hand is stored and the rest of the batch handed back. */
  stopping: AbortSignal;
}

export interface MicroBatchReport {
  embedded: EmbeddedChunk[];
  quarantined: RejectedChunk[];
  /** Share of the batch that is done, from 0 to 1. */
  share: number;
}

/** As many workers may die of a chunk before it is quarantined. */
const attemptsAtMost = 5;

/**
 * Embeds the chunks of one batch that lack a current vector, and stores each micro-batch as soon as it is there, so that
 * a kill costs one micro-batch. Safe to run twice: a rerun finds nothing pending.
 * @throws BatchHandedBack when it is asked to stop.
 *
 * Chunks that were in the hands of a worker when it died are embedded one by one, behind the others: if one of them is
 * to blame, it dies alone, and only it is given up in the end.
 */
export async function embedBatch(batch: EmbedBatch, context: BatchContext): Promise<BatchResult> {
  const { database, profile } = context;
  const pending = await readPendingChunks(database, profile, batch.chunkIds);
  const attempts = await readAttempts(database, profile, batch.chunkIds);
  const run = new BatchRun(context, pending.length);

  const suspects = pending.filter((chunk) => attempts.has(chunk.id));
  await run.embed(pending.filter((chunk) => !attempts.has(chunk.id)));
  for (const suspect of suspects) {
    if ((attempts.get(suspect.id) ?? 0) >= attemptsAtMost) await run.giveUp(suspect);
    else await run.embed([suspect]);
  }
  return run.result;
}

class BatchRun {
  readonly result: BatchResult = { embedded: 0, stale: 0, quarantined: 0, tokens: 0 };
  readonly #context: BatchContext;
  readonly #total: number;
  #done = 0;

  constructor(context: BatchContext, total: number) {
    this.#context = context;
    this.#total = total;
  }

  async embed(chunks: readonly PendingChunk[]): Promise<void> {
    if (chunks.length === 0) return;
    const { database, profile, embedder, log } = this.#context;
    const chunkIds = chunks.map((chunk) => chunk.id);
    await countAttempt(database, profile, chunkIds);
    try {
      for await (const outcomes of embedIsolating(
        embedder,
        chunks.map((chunk) => chunk.content),
      )) {
        const { embedded, rejected } = matchOutcomes(chunks, outcomes);
        log.debug({ chunkIds: embedded.map((chunk) => chunk.chunkId) }, "micro-batch embedded");
        await this.#store(embedded, rejected);
      }
    } catch (error) {
      // No chunk is to blame for a server or a device that is gone.
      await countAttempt(database, profile, chunkIds, -1).catch(() => undefined);
      throw error;
    }
  }

  async giveUp({ id, contentHash }: PendingChunk): Promise<void> {
    const detail = `${attemptsAtMost} workers ended without a word while they embedded it.`;
    await this.#store([], [{ chunkId: id, contentHash, reason: "attempts_exhausted", detail }]);
  }

  async #store(embedded: EmbeddedChunk[], rejected: RejectedChunk[]): Promise<void> {
    const { database, profile, onProgress, stopping } = this.#context;
    const written = await upsertEmbeddings(database, profile, embedded);
    const setAside = new Set(await quarantineChunks(database, profile, rejected));
    const quarantined = rejected.filter((chunk) => setAside.has(chunk.chunkId));
    this.result.embedded += written.length;
    this.result.stale += embedded.length - written.length + rejected.length - quarantined.length;
    this.result.quarantined += quarantined.length;
    this.result.tokens += embedded.reduce((sum, chunk) => sum + chunk.tokenCount - chunk.truncatedTokens, 0);
    this.#done += embedded.length + rejected.length;
    await onProgress({ embedded, quarantined, share: this.#done / this.#total });
    if (stopping.aborted && this.#done < this.#total) throw new BatchHandedBack();
  }
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
