import type { Embedder, TextOutcome } from "@reembed/embedder";
import type { BatchResult, EmbedBatch } from "@reembed/queue";
import type { Logger } from "@reembed/runtime";
import {
  countAttempts,
  type Database,
  type EmbeddedChunk,
  type PendingChunk,
  quarantineChunks,
  type RegisteredProfile,
  type RejectedChunk,
  readPendingChunks,
  upsertEmbeddings,
} from "@reembed/store";

export interface BatchContext {
  database: Database;
  profile: RegisteredProfile;
  embedder: Embedder;
  log: Logger;
  /** Told after every micro-batch. */
  onProgress: (done: MicroBatchReport) => Promise<void>;
}

export interface MicroBatchReport {
  embedded: EmbeddedChunk[];
  quarantined: RejectedChunk[];
  /** Share of the batch that is done, from 0 to 1. */
  share: number;
}

/**
 * Embeds the chunks of one batch that lack a current vector, and stores each micro-batch as soon as it is there, so that
 * a kill costs one micro-batch. Safe to run twice: a rerun finds nothing pending.
 */
export async function embedBatch(batch: EmbedBatch, context: BatchContext): Promise<BatchResult> {
  const { database, profile, embedder, log } = context;
  const exhausted = new Set(batch.kind === "changes" ? await countAttempts(database, profile, batch.chunkIds) : []);
  const pending = await readPendingChunks(database, profile, batch.chunkIds);
  const [givenUp, toEmbed] = partition(pending, (chunk) => exhausted.has(chunk.id));
  const result: BatchResult = { embedded: 0, stale: 0, quarantined: 0, tokens: 0 };
  let done = 0;

  const store = async (embedded: EmbeddedChunk[], rejected: RejectedChunk[]): Promise<void> => {
    const written = await upsertEmbeddings(database, profile, embedded);
    const setAside = new Set(await quarantineChunks(database, profile, rejected));
    const quarantined = rejected.filter((chunk) => setAside.has(chunk.chunkId));
    result.embedded += written.length;
    result.stale += embedded.length - written.length + rejected.length - quarantined.length;
    result.quarantined += quarantined.length;
    result.tokens += embedded.reduce((sum, chunk) => sum + chunk.tokenCount - chunk.truncatedTokens, 0);
    done += embedded.length + rejected.length;
    await context.onProgress({ embedded, quarantined, share: done / pending.length });
  };

  if (givenUp.length > 0) await store([], givenUp.map(giveUp));
  for await (const outcomes of embedder.embed(toEmbed.map((chunk) => chunk.content))) {
    const { embedded, rejected } = matchOutcomes(toEmbed, outcomes);
    log.debug({ chunkIds: embedded.map((chunk) => chunk.chunkId) }, "micro-batch embedded");
    await store(embedded, rejected);
  }
  return result;
}

function matchOutcomes(
  chunks: readonly PendingChunk[],
  outcomes: readonly TextOutcome[],
): { embedded: EmbeddedChunk[]; rejected: RejectedChunk[] } {
  const embedded: EmbeddedChunk[] = [];
  const rejected: RejectedChunk[] = [];
  for (const outcome of outcomes) {
    const chunk = chunks[outcome.index];
    if (chunk === undefined)
      throw new RangeError(`The embedder answered for text ${outcome.index} of ${chunks.length}`);
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

function giveUp({ id, contentHash }: PendingChunk): RejectedChunk {
  return {
    chunkId: id,
    contentHash,
    reason: "attempts_exhausted",
    detail: "Its job was tried several times and never brought a vector; the worker's log has the errors.",
  };
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}
