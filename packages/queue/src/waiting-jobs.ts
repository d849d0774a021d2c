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

/**
 * Whether a batch of a kind is waiting or being processed. On PostgreSQL BullMQ reads one state after the other: if `active`
 * is read first, a job that a worker takes meanwhile is missing, and if it is read last, one that a worker returns. So both
 * are done.
 */
export async function hasUnfinishedJobs({ bullmq }: EmbedQueue, kind: EmbedBatch["kind"]): Promise<boolean> {
  const idle = ["prioritized", "waiting", "delayed"] as const;
  for (const states of [[...idle, "active"] as const, ["active", ...idle] as const]) {
    const jobs = await bullmq.getJobs([...states]);
    if (jobs.some((job) => isBatchOf(job, kind))) return true;
  }
  return false;
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
