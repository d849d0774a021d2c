import { isUnknownModel } from "@reembed/core";
import {
  type BackfillQueue,
  beginBackfill,
  continueBackfill,
  enqueue,
  readWaitingBackfill,
  reopenIncompleteBackfill,
  withdrawBackfill,
} from "@reembed/migration/backfill";
import { type EmbedQueue, hasUnfinishedJobs } from "@reembed/queue";
import {
  hasGapsInHand,
  markChangesEnqueued,
  readDueChanges,
  readLongestWait,
  recordGaps,
  sweepBlock,
  takeChanges,
} from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { completeBackfill, isBackfillDone, setThrottleReason } from "@reembed/store/progress";
import { type Allowance, readAllowance, type TickSettings } from "./allowance.ts";
import { countEnqueued } from "./share-left.ts";

export type { TickSettings };

/** What one tick did for one profile, and what limited it. */
export interface TickReport {
  profile: string;
  /** Number of enqueued changes. */
  changes: number;
  backfill: number;
  /** Number of the backfill's chunks that were withdrawn from the queue. */
  withdrawn: number;
  /** Number of chunks that were found without a vector. */
  gaps: number;
  state:
    | "no chunks yet"
    | "being adopted"
    | "as it is"
    | "retired"
    | "queue is full"
    | "enqueuing"
    | "passing over"
    | "paused"
    | "throttled"
    | "waiting for workers"
    | "gaps found"
    | "vectors lost"
    | "complete";
  /** Why the backfill enqueued less than it could, as a sentence. */
  throttleReason: string | null;
  /** Whether this tick found that the backfill has no gap left. */
  completed: boolean;
}

/**
 * Processes what triggers have logged, and fills a profile's queue up to its limit: changes first, then the backfill from
 * its cursor as far as it is allowed. When the cursor is at its end and no batch of the backfill is queued, it sweeps for
 * gaps, which a lost queue leaves; without gaps the profile is backfilled. Changes do not delay this, because a live corpus
 * always has some.
 */
export async function tick(
  database: Database,
  queue: EmbedQueue,
  profileName: string,
  settings: TickSettings,
): Promise<TickReport> {
  const report: TickReport = {
    profile: profileName,
    changes: 0,
    backfill: 0,
    withdrawn: 0,
    gaps: 0,
    state: "enqueuing",
    throttleReason: null,
    completed: false,
  };
  await takeChanges(database);
  let profile = await readProfile(database, profileName);
  if (isUnknownModel(profile.model)) return { ...report, state: "as it is" };
  if (profile.state === "adopting") return { ...report, state: "being adopted" };
  if (profile.state === "retired") return { ...report, state: "retired" };
  if (profile.state === "registered") {
    if (profile.paused) return { ...report, state: "paused" };
    if (!(await beginBackfill(database, profile))) return { ...report, state: "no chunks yet" };
    profile = await readProfile(database, profileName);
  }

  await sweepBlock(database, profile, { everyMs: settings.sweepEveryMs });
  const lost = await reopenIncompleteBackfill(database, profile, settings.countEveryMs);
  if (lost > 0) return { ...report, gaps: lost, state: "vectors lost" };
  const counts = await queue.counts();
  if (counts.delayed > 0) await queue.promoteForgotten();
  const allowance = await readAllowance(database, profile, counts, settings);
  await setThrottleReason(database, profile, allowance.throttleReason);
  report.throttleReason = allowance.throttleReason;
  const { withdrawn, allowed } = await withdrawExcess({ database, queue }, profile, allowance);
  report.withdrawn = withdrawn;
  // Both have changed the profile's row, and the cursor only moves if the row has not changed since it was read.
  if (withdrawn > 0 || allowance.throttleReason !== profile.throttleReason)
    profile = await readProfile(database, profileName);
  return await fillQueue({ database, queue }, profile, { ...settings, allowed }, report);
}

/** Withdraws the backfill if more of it waits than allowed. What still waits counts against what may be enqueued. */
async function withdrawExcess(
  on: BackfillQueue,
  profile: RegisteredProfile,
  { enqueue: allowed, waiting }: Allowance,
): Promise<{ withdrawn: number; allowed: number }> {
  if (waiting === Number.POSITIVE_INFINITY) return { withdrawn: 0, allowed };
  const { chunks } = await readWaitingBackfill(on.queue);
  if (chunks <= waiting) return { withdrawn: 0, allowed: Math.min(allowed, waiting - chunks) };
  return { withdrawn: await withdrawBackfill(on, profile), allowed: Math.min(allowed, waiting) };
}

async function fillQueue(
  { database, queue }: BackfillQueue,
  profile: RegisteredProfile,
  { batchSize, maxQueuedJobs, allowed }: TickSettings & { allowed: number },
  report: TickReport,
): Promise<TickReport> {
  const { waiting, active, delayed } = await queue.counts();
  const queued = waiting + active + delayed;
  const queueIsEmpty = queued === 0;
  const room = Math.max(0, maxQueuedJobs - queued) * batchSize;
  if (room === 0) return { ...report, state: "queue is full" };

  const changes = await readDueChanges(database, profile, { limit: room, queueIsEmpty });
  const oldestEditSeconds = () => readLongestWait(database, profile, changes);
  await enqueue(queue, profile, { kind: "changes", chunkIds: changes, batchSize, oldestEditSeconds });
  await markChangesEnqueued(database, profile, changes);
  report.changes = changes.length;

  const limit = Math.min(room - changes.length, allowed);
  const backfill = { enqueued: 0, cursor: profile.backfillCursor };
  if (profile.state === "backfilling" && limit > 0) {
    Object.assign(backfill, await continueBackfill({ database, queue }, profile, { limit, batchSize, queueIsEmpty }));
    countEnqueued(database, profile, backfill.enqueued, backfill.cursor);
  }
  report.backfill = backfill.enqueued;

  if (report.changes > 0 || report.backfill > 0) report.state = "enqueuing";
  else if (!queueIsEmpty) report.state = "waiting for workers";
  else report.state = "complete";
  if (profile.state === "backfilled" || report.backfill > 0) return report;
  const idle = report.changes === 0;
  if (profile.paused) return { ...report, ...(idle && { state: "paused" }) };
  if (allowed === 0) return { ...report, ...(idle && { state: "throttled" }) };
  if (!isBackfillDone({ ...profile, backfillCursor: backfill.cursor })) {
    return { ...report, ...(idle && { state: "passing over" }) };
  }
  return await endBackfill({ database, queue }, profile, report);
}

/**
 * `recordGaps` reads the whole chunking, so it waits until nothing of the backfill is in progress, not even as a change. If
 * it finds no gap, the backfill is complete; if it does, it looks again after they are embedded.
 */
async function endBackfill(
  { database, queue }: BackfillQueue,
  profile: RegisteredProfile,
  report: TickReport,
): Promise<TickReport> {
  const inHand = (await hasUnfinishedJobs(queue, "backfill")) || (await hasGapsInHand(database, profile));
  if (inHand) return report.state === "complete" ? { ...report, state: "waiting for workers" } : report;
  const gaps = await recordGaps(database, profile);
  if (gaps > 0) return { ...report, gaps, state: "gaps found" };
  return { ...report, completed: await completeBackfill(database, profile) };
}
