import type { EmbedBatch, EmbedQueue } from "@reembed/queue";
import {
  advanceCursor,
  completeBackfill,
  type Database,
  markChangesEnqueued,
  type RegisteredProfile,
  readBackfillIds,
  readDueChanges,
  readProfile,
  recordGaps,
  startBackfill,
} from "@reembed/store";

export interface TickSettings {
  /** Chunks of one job. */
  batchSize: number;
  /** Jobs that may be waiting, active or delayed at a time: the queue stays this small for any corpus. */
  maxQueuedJobs: number;
}

/** What one tick did for one profile, and why it did no more. */
export interface TickReport {
  profile: string;
  /** Chunks enqueued. */
  changes: number;
  backfill: number;
  /** Chunks that the sweep found without a vector. */
  gaps: number;
  state: "no chunks yet" | "queue is full" | "enqueuing" | "waiting for workers" | "gaps found" | "complete";
  /** This very tick found the backfill complete. */
  completed: boolean;
}

/**
 * Fills a profile's queue up to its bound: changes first, then the backfill from its cursor. With the cursor at its
 * target and the queue empty it sweeps for gaps, as a lost queue leaves them; none left means complete.
 *
 * Ids are enqueued before the cursor moves: a crash between the two enqueues some of them twice, which costs a look
 * each; the other way round it would leave them out.
 */
export async function tick(
  database: Database,
  queue: EmbedQueue,
  profileName: string,
  { batchSize, maxQueuedJobs }: TickSettings,
): Promise<TickReport> {
  const report: TickReport = {
    profile: profileName,
    changes: 0,
    backfill: 0,
    gaps: 0,
    state: "enqueuing",
    completed: false,
  };
  let profile = await readProfile(database, profileName);
  if (profile.state === "registered") {
    if (!(await startBackfill(database, profile))) return { ...report, state: "no chunks yet" };
    profile = await readProfile(database, profileName);
  }

  const counts = await queue.counts();
  const queued = counts.waiting + counts.active + counts.delayed;
  const room = Math.max(0, maxQueuedJobs - queued) * batchSize;
  if (room === 0) return { ...report, state: "queue is full" };

  report.changes = await enqueueChanges(database, queue, profile, {
    limit: room,
    batchSize,
    queueIsEmpty: queued === 0,
  });
  report.backfill = await continueBackfill(database, queue, profile, { limit: room - report.changes, batchSize });
  if (report.changes + report.backfill > 0) return report;
  if (queued > 0) return { ...report, state: "waiting for workers" };
  if (profile.state === "complete") return { ...report, state: "complete" };

  report.gaps = await recordGaps(database, profile);
  if (report.gaps > 0) return { ...report, state: "gaps found" };
  return { ...report, state: "complete", completed: await completeBackfill(database, profile) };
}

async function enqueueChanges(
  database: Database,
  queue: EmbedQueue,
  profile: RegisteredProfile,
  { limit, batchSize, queueIsEmpty }: { limit: number; batchSize: number; queueIsEmpty: boolean },
): Promise<number> {
  const chunkIds = await readDueChanges(database, profile, { limit, queueIsEmpty });
  if (chunkIds.length === 0) return 0;
  await queue.enqueue(batchesOf(profile, "changes", chunkIds, batchSize));
  await markChangesEnqueued(database, profile, chunkIds);
  return chunkIds.length;
}

async function continueBackfill(
  database: Database,
  queue: EmbedQueue,
  profile: RegisteredProfile,
  { limit, batchSize }: { limit: number; batchSize: number },
): Promise<number> {
  if (limit === 0 || profile.backfillCursor >= profile.backfillTarget) return 0;
  const chunkIds = await readBackfillIds(database, profile, limit);
  if (chunkIds.length > 0) await queue.enqueue(batchesOf(profile, "backfill", chunkIds, batchSize));
  const reached = chunkIds.length < limit ? profile.backfillTarget : chunkIds.at(-1);
  await advanceCursor(database, profile, reached ?? profile.backfillTarget);
  return chunkIds.length;
}

function batchesOf(
  profile: RegisteredProfile,
  kind: EmbedBatch["kind"],
  chunkIds: readonly number[],
  batchSize: number,
): EmbedBatch[] {
  const batches: EmbedBatch[] = [];
  for (let start = 0; start < chunkIds.length; start += batchSize) {
    batches.push({ profile: profile.name, kind, chunkIds: chunkIds.slice(start, start + batchSize) });
  }
  return batches;
}
