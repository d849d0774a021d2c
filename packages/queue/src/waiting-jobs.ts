import { EmbedBatch, type EmbedJob, type EmbedQueue } from "./embed-queue.ts";

/**
 * The batches of a kind that no worker is processing: waiting ones, and ones that wait for a retry. A job that is not a
 * batch is skipped; the worker that takes it reports it.
 */
export async function readWaitingJobs({ bullmq }: EmbedQueue, kind: EmbedBatch["kind"]): Promise<EmbedJob[]> {
  const jobs = await bullmq.getJobs(["prioritized", "waiting", "delayed"]);
  // BullMQ reads twice here. A job that a worker took between the two reads is missing.
  return jobs.filter((job) => isBatchOf(job, kind));
}

/** Whether a batch of a kind is waiting or being processed. */
export async function hasUnfinishedJobs({ bullmq }: EmbedQueue, kind: EmbedBatch["kind"]): Promise<boolean> {
  const jobs = await bullmq.getJobs(["active", "prioritized", "waiting", "delayed"]);
  return jobs.some((job) => isBatchOf(job, kind));
}

/**
 * Removes batches from the queue and returns those that no worker took first. A worker may have finished one of them
 * meanwhile, which is harmless: its chunks have vectors and are skipped.
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
