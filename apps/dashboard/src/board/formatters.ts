import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { QueueJobJson } from "@bull-board/api/typings/app";
import type { BatchResult, EmbedBatch } from "@reembed/queue";

/** A job as Bull Board passes it. Anybody may have written its data and result. */
type BoardJob = Pick<QueueJobJson, "name" | "processedOn" | "finishedOn"> & {
  data: Partial<EmbedBatch> | null | undefined;
  returnvalue: Partial<BatchResult> | null | undefined;
};

/** Shows on a batch's card what the batch contains, how many chunks it has, and what happened to them. */
export function describeBatches(adapter: BullMQAdapter): void {
  adapter.setFormatter("name", describeJob);
  adapter.setFormatter("data", describeData);
}

function describeJob(job: BoardJob): string {
  const { profile, kind, chunkIds } = job.data ?? {};
  if (profile === undefined || kind === undefined || !Array.isArray(chunkIds)) return job.name;
  return [`${kind} of ${profile}: ${chunkIds.length} chunks`, ...describeResult(job)].join(", ");
}

/** Keeps the ids in the form that a worker accepts, because Bull Board's "duplicate" creates a job from what is shown. */
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
    ...(truncatedTokens ? [`${truncatedTokens} tokens truncated`] : []),
    `${rate(embedded)} chunks/s`,
    `${rate(tokens ?? 0)} tokens/s`,
  ];
}
