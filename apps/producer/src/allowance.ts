import type { QueueCounts } from "@reembed/queue";
import { type Database, readDatabaseLoad } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { isBackfillDone } from "@reembed/store/progress";
import { decidePace, type LoadBounds, shareOfTick } from "./pace.ts";
import { readChunksLeft } from "./share-left.ts";

export interface TickSettings {
  /** Chunks of one job. */
  batchSize: number;
  /** Jobs that may be waiting, active or delayed at a time: the queue stays this small for any corpus. */
  maxQueuedJobs: number;
  /** The time between two ticks. */
  tickMs: number;
  /** How often a profile whose backfill has ended is held against its tables; once a minute unless told otherwise. */
  countEveryMs?: number;
  /** The pause between two looks at all of a profile's texts for changes that no trigger told of; a minute by default. */
  sweepEveryMs?: number;
  /** Without them a backfill goes on under any load. */
  loadBounds?: LoadBounds | undefined;
}

/** What a backfill may do in one tick. */
export interface Allowance {
  /** Chunks that it may enqueue. */
  enqueue: number;
  /** Chunks that may wait in the queue afterwards; of more, all are withdrawn. */
  waiting: number;
  /** Why it is less than there is room for; null when it is not, or when the backfill is paused. */
  held: string | null;
}

const unbounded: Allowance = { enqueue: Number.POSITIVE_INFINITY, waiting: Number.POSITIVE_INFINITY, held: null };
const nothing: Allowance = { enqueue: 0, waiting: 0, held: null };

/** How much a profile's backfill may enqueue now: whether it is paused, then the load, then its own `until` and rate. */
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
    held: pace.held ?? rate.held,
  };
}

/** Slow is one more batch for each that is in a worker's hands: a device that is quick gets one a tick and no more. */
async function readPace(
  database: Database,
  { active }: QueueCounts,
  { batchSize, loadBounds }: TickSettings,
): Promise<Allowance> {
  if (loadBounds === undefined) return unbounded;
  const { speed, reason } = decidePace(await readDatabaseLoad(database), loadBounds);
  if (speed === "none") return { ...nothing, held: reason };
  return {
    ...unbounded,
    waiting: speed === "free" ? unbounded.waiting : batchSize * Math.max(1, active),
    held: reason,
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
  return { ...unbounded, enqueue: 0, held: `It holds at ${percent} % of the chunks, as it was told at its start.` };
}

function rateOf({ backfillRate: rate }: RegisteredProfile, { tickMs }: TickSettings): Allowance {
  if (rate === null) return unbounded;
  return {
    enqueue: shareOfTick(rate, tickMs, Date.now()),
    // What a tick brings is taken before the next one, or less is brought then: no backlog builds up.
    waiting: Math.ceil((rate * tickMs) / 1_000),
    held: `It is limited to ${rate} chunks/s.`,
  };
}
