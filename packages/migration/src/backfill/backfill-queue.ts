import { type EmbedBatch, type EmbedJob, type EmbedQueue, readWaitingJobs, withdrawJobs } from "@reembed/queue";
import { traced } from "@reembed/runtime";
import { markChangesEnqueued, readDuePrioritisedChunks } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { advanceCursor, isBackfillDone, moveCursorBack, readNextChunks } from "@reembed/store/progress";

/** The backfill's batches that no worker is processing, and their chunks. */
export async function readWaitingBackfill(queue: EmbedQueue): Promise<{ jobs: EmbedJob[]; chunks: number }> {
  const jobs = await readWaitingJobs(queue, "backfill");
  return { jobs, chunks: jobs.reduce((sum, job) => sum + job.data.chunkIds.length, 0) };
}

/** What the backfill commands need. */
export interface BackfillQueue {
  database: Database;
  queue: EmbedQueue;
  /** Leaves the queue unchanged; the database only prints what it would change. */
  dryRun?: boolean;
}

/**
 * Removes the backfill's waiting batches from the queue and moves its cursor back before them. A batch that a worker is
 * processing is finished. A crash between the two leaves gaps, which the sweep at the end of the backfill finds.
 * Returns the number of withdrawn chunks.
 */
export async function withdrawBackfill(
  { database, queue, dryRun = false }: BackfillQueue,
  profile: RegisteredProfile,
): Promise<number> {
  const { jobs } = await readWaitingBackfill(queue);
  const batches = dryRun ? jobs.map((job) => job.data) : await withdrawJobs(queue, jobs);
  const chunkIds = batches.flatMap((batch) => batch.chunkIds);
  await moveCursorBack(database, profile, chunkIds);
  return chunkIds.length;
}

/**
 * Enqueues the backfill's next chunks, prioritised ones first. Ids are enqueued before the cursor moves: a crash in between
 * enqueues some of them twice, which is harmless; the other order would lose them.
 */
export async function continueBackfill(
  { database, queue }: BackfillQueue,
  profile: RegisteredProfile,
  { limit, batchSize, queueIsEmpty }: { limit: number; batchSize: number; queueIsEmpty: boolean },
): Promise<{ enqueued: number; cursor: number }> {
  let enqueued = 0;
  if (profile.backfillOrder === "most-searched" && limit > 0) {
    const prioritised = await readDuePrioritisedChunks(database, profile, { limit, queueIsEmpty });
    await enqueue(queue, profile, { kind: "backfill", chunkIds: prioritised, batchSize });
    await markChangesEnqueued(database, profile, prioritised);
    enqueued = prioritised.length;
  }
  const left = limit - enqueued;
  if (left === 0 || isBackfillDone(profile)) return { enqueued, cursor: profile.backfillCursor };
  const { chunkIds, cursor } = await readNextChunks(database, profile, { limit: left });
  await enqueue(queue, profile, { kind: "backfill", chunkIds, batchSize });
  await advanceCursor(database, profile, cursor);
  return { enqueued: enqueued + chunkIds.length, cursor };
}

interface ToEnqueue {
  kind: EmbedBatch["kind"];
  chunkIds: readonly number[];
  batchSize: number;
  /** For how many seconds the oldest of these edits has been waiting, for a trace. */
  oldestEditSeconds?: () => Promise<number | undefined>;
}

/** Splits ids into batches and enqueues them. A trace of each batch, up to its vectors, begins here. */
export async function enqueue(
  queue: EmbedQueue,
  profile: RegisteredProfile,
  { kind, chunkIds, batchSize, oldestEditSeconds }: ToEnqueue,
): Promise<void> {
  if (chunkIds.length === 0) return;
  const batches: EmbedBatch[] = [];
  for (let start = 0; start < chunkIds.length; start += batchSize) {
    batches.push({ profile: profile.name, kind, chunkIds: chunkIds.slice(start, start + batchSize) });
  }
  const facts = { profile: profile.name, chunking: profile.chunking, kind };
  const counts = { chunks: chunkIds.length, batches: batches.length };
  await traced("enqueue", { ...facts, ...counts }, async ({ isRecorded, tell }) => {
    // What only a trace wants must not keep edits from the queue.
    if (isRecorded) tell({ oldest_edit_seconds: await oldestEditSeconds?.().catch(() => undefined) });
    await queue.enqueue(batches);
  });
}
