import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { QueueJobJson } from "@bull-board/api/typings/app";
import type { BatchResult, EmbedBatch } from "@reembed/queue";

/** A job as Bull Board has it; its data and result are whatever somebody has put there. */
type BoardJob = Pick<QueueJobJson, "name" | "processedOn" | "finishedOn"> & {
  data: Partial<EmbedBatch> | null | undefined;
  returnvalue: Partial<BatchResult> | null | undefined;
};

/** Makes the card of a batch say what it is of, how many chunks it has, and what became of them. */
export function describeBatches(adapter: BullMQAdapter): void {
  adapter.setFormatter("name", describeJob);
  adapter.setFormatter("data", describeData);
}

function describeJob(job: BoardJob): string {
  const { profile, kind, chunkIds } = job.data ?? {};
  if (profile === undefined || kind === undefined || !Array.isArray(chunkIds)) return job.name;
  return [`${kind} of ${profile}: ${chunkIds.length} chunks`, ...describeResult(job)].join(", ");
}

/** The ids stay, and in the shape that a worker takes: Bull Board's "duplicate" makes a new job of what is shown. */
function describeData(data: BoardJob["data"]): BoardJob["data"] {
  if (!Array.isArray(data?.chunkIds)) return data;
  const { chunkIds, ...rest } = data;
  return { ...rest, ...{ chunks: chunkIds.length }, chunkIds };
}

function describeResult({ returnvalue, processedOn, finishedOn }: BoardJob): string[] {
  const { embedded, reused, stale, quarantined, tokens, truncatedTokens } = returnvalue ?? {};
  if (embedded === undefined || !processedOn || !finishedOn) return [];
  const seconds = Math.max(0.001, (finishedOn - processedOn) / 1_000);
  const rate = (count: number) => Math.round(count / seconds).toLocaleString("en");
  return [
    `${embedded} embedded`,
    ...(reused ? [`${reused} reused`] : []),
    ...(stale ? [`${stale} stale`] : []),
    ...(quarantined ? [`${quarantined} quarantined`] : []),
    ...(truncatedTokens ? [`${truncatedTokens} tokens cut off`] : []),
    `${rate(embedded)} chunks/s`,
    `${rate(tokens ?? 0)} tokens/s`,
  ];
}
