import { describeRateLimit } from "@reembed/migration/backfill";
import type { QueueCounts } from "@reembed/queue";
import { type Database, readDatabaseLoad } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { isBackfillDone } from "@reembed/store/progress";
import { decidePace, type LoadBounds, shareOfTick } from "./pace.ts";
import { readChunksLeft } from "./share-left.ts";

export interface TickSettings {
  /** Chunks per job. */
  batchSize: number;
  /** Maximum number of waiting, active and delayed jobs: the queue stays this small for any corpus. */
  maxQueuedJobs: number;
  /** Time between two ticks. */
  tickMs: number;
  /** How often a backfilled profile is compared with its tables; once a minute by default. */
  countEveryMs?: number;
  /** Pause between two rounds over all texts of a profile that find changes no trigger recorded; by default a minute. */
  sweepEveryMs?: number;
  /** Without them a backfill continues under any load. */
  loadBounds?: LoadBounds | undefined;
}

/** What a backfill may do in one tick. */
export interface Allowance {
  /** Number of chunks that it may enqueue. */
  enqueue: number;
  /** Number of chunks that may wait in the queue afterwards; if there are more, all are withdrawn. */
  waiting: number;
  /** Why it is less than the queue has room for; null if it is not, or if the backfill is paused. */
  throttleReason: string | null;
}

const unbounded: Allowance = {
  enqueue: Number.POSITIVE_INFINITY,
  waiting: Number.POSITIVE_INFINITY,
  throttleReason: null,
};
const nothing: Allowance = { enqueue: 0, waiting: 0, throttleReason: null };

/** How much a profile's backfill may enqueue now, by its pause, then the load, then its own `until` and rate. */
export async function readAllowance(
  database: Database,
  profile: RegisteredProfile,
  counts: QueueCounts,
  settings: TickSettings,
): Promise<Allowance> {
  if (profile.state !== "backfilling") return unbounded;
  if (profile.paused) return nothing;
  const pace = await readPace(database, counts, settings);
  if (pace.waiting === 0 || isBackfillDone(profile)) return pace;
  const share = await readShareLeft(database, profile, counts, settings);
  if (share.enqueue === 0) return { ...share, waiting: pace.waiting };
  const rate = rateOf(profile, settings);
  return {
    enqueue: Math.min(share.enqueue, rate.enqueue),
    waiting: Math.min(pace.waiting, rate.waiting),
    throttleReason: pace.throttleReason ?? rate.throttleReason,
  };
}

/** Slow means one more batch per worker that is processing one: a fast device gets one batch per tick. */
async function readPace(
  database: Database,
  { active }: QueueCounts,
  { batchSize, loadBounds }: TickSettings,
): Promise<Allowance> {
  if (loadBounds === undefined) return unbounded;
  const { speed, reason } = decidePace(await readDatabaseLoad(database), loadBounds);
  if (speed === "none") return { ...nothing, throttleReason: reason };
  return {
    ...unbounded,
    waiting: speed === "free" ? unbounded.waiting : batchSize * Math.max(1, active),
    throttleReason: reason,
  };
}

async function readShareLeft(
  database: Database,
  profile: RegisteredProfile,
  { waiting, active, delayed }: QueueCounts,
  { batchSize }: TickSettings,
): Promise<Allowance> {
  const { backfillUntil: until } = profile;
  if (until === null) return unbounded;
  const left = await readChunksLeft(database, profile, until, (waiting + active + delayed) * batchSize);
  if (left > 0) return { ...unbounded, enqueue: left };
  const percent = Number((100 * until).toFixed(2));
  return {
    ...unbounded,
    enqueue: 0,
    throttleReason: `The backfill stops at ${percent} % of the chunks, as set when it was started.`,
  };
}

function rateOf({ backfillRate: rate }: RegisteredProfile, { tickMs }: TickSettings): Allowance {
  if (rate === null) return unbounded;
  return {
    enqueue: shareOfTick(rate, tickMs, Date.now()),
    // Workers finish a tick's chunks before the next tick, or get fewer: no backlog builds up.
    waiting: Math.ceil((rate * tickMs) / 1_000),
    throttleReason: describeRateLimit(rate),
  };
}
