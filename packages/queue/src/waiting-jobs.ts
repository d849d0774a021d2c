import { EmbedBatch, type EmbedJob, type EmbedQueue } from "./embed-queue.ts";

/**
 * The batches of a kind that no worker has in hand: those that wait, and those that wait for another attempt. A job that
 * is no batch is left to the worker that takes it, which says so.
 */
export async function readWaitingJobs({ bullmq }: EmbedQueue, kind: EmbedBatch["kind"]): Promise<EmbedJob[]> {
  const jobs = await bullmq.getJobs(["prioritized", "waiting", "delayed"]);
  // One that was taken between the two reads of BullMQ's getter is not there any more.
  return jobs.filter((job) => isBatchOf(job, kind));
}

/** Whether a batch of a kind waits, or is in a worker's hands. */
export async function hasUnfinishedJobs({ bullmq }: EmbedQueue, kind: EmbedBatch["kind"]): Promise<boolean> {
  const jobs = await bullmq.getJobs(["active", "prioritized", "waiting", "delayed"]);
  return jobs.some((job) => isBatchOf(job, kind));
}

/**
 * Takes batches out of the queue, and returns those that no worker took first. One that a worker has done in the
 * meantime may be among them: what it embedded is found embedded.
 */
export async function withdrawJobs({ bullmq }: EmbedQueue, jobs: readonly EmbedJob[]): Promise<EmbedBatch[]> {
  const withdrawn = await Promise.all(
    jobs.map(async (job) => ((await bullmq.remove(job.id ?? "")) === 1 ? job : null)),
  );
  return withdrawn.flatMap((job) => (job === null ? [] : [job.data]));
}

function isBatchOf(job: EmbedJob | undefined, kind: EmbedBatch["kind"]): boolean {
  return EmbedBatch.safeParse(job?.data).data?.kind === kind;
}
