import { describeQueueLimits, type TickQueue } from "@reembed/queue";
import { z } from "zod";

/** What a tick returns for a profile. Producers of other versions may return more or less. */
const TickReport = z.object({
  profile: z.string(),
  changes: z.number(),
  backfill: z.number(),
  withdrawn: z.number().default(0),
  gaps: z.number(),
  state: z.string(),
  throttleReason: z.string().nullable().default(null),
});
type TickReport = z.infer<typeof TickReport>;

/** The producer's last tick, and whether ticks are still made. */
export interface ProducerActivity {
  reports: TickReport[];
  lastTickAt: Date | undefined;
  /** Why the last tick failed, if it did. */
  failure: string | undefined;
  /** Whether ticks are scheduled but nobody makes them. */
  overdue: boolean;
  /** What prevents ticks, if somebody has set it on Bull Board. */
  limits: string | null;
}

/** If a tick is due for longer than this, no producer is running. */
const patienceMs = 15_000;
/** The maximum of TICK_SECONDS. */
const longestTickMs = 3_600_000;

/** Read from the jobs of ticks: the result of a tick says what it did for each profile and what limited it. */
export async function readProducerActivity({ bullmq }: TickQueue): Promise<ProducerActivity> {
  const [completed] = await bullmq.getCompleted(0, 0);
  const [failed] = await bullmq.getFailed(0, 0);
  const waiting = await bullmq.getJobs(["delayed", "waiting", "prioritized"], 0, 0, true);
  const lastTickAt = completed?.finishedOn ?? 0;
  const failedAt = failed?.finishedOn ?? 0;
  const waits = waiting.map((job) => job.timestamp + job.delay - Date.now());
  return {
    reports: z.array(TickReport).catch([]).parse(completed?.returnvalue),
    lastTickAt: lastTickAt === 0 ? undefined : new Date(lastTickAt),
    limits: await describeQueueLimits(bullmq),
    failure: failedAt > lastTickAt ? failed?.failedReason : undefined,
    // A tick that is scheduled too far ahead comes from a wrong clock, and a running producer would have corrected it.
    overdue: waits.some((wait) => wait < -patienceMs || wait > longestTickMs + patienceMs),
  };
}

/** Describes a report in one or more sentences. */
export function describeReport(report: TickReport): string {
  const { withdrawn, throttleReason } = report;
  return [
    ...(withdrawn > 0 ? [`Removed ${count(withdrawn, "chunk")} of the backfill from the queue.`] : []),
    describeState(report),
    ...(throttleReason === null ? [] : [throttleReason]),
  ].join(" ");
}

function describeState({ changes, backfill, gaps, state }: TickReport): string {
  switch (state) {
    case "no chunks yet":
      return "Waits for the first document.";
    case "queue is full":
      return "Waits, because the queue has reached its maximum number of batches.";
    case "enqueuing":
      return `Enqueued ${[
        ...(changes > 0 ? [count(changes, "change")] : []),
        ...(backfill > 0 ? [`${count(backfill, "chunk")} of the backfill`] : []),
      ].join(" and ")}.`;
    case "passing over":
      return "Skips chunks that already have vectors.";
    case "paused":
      return "The backfill is paused; changes are still embedded.";
    case "throttled":
      return "Enqueued nothing of the backfill.";
    case "being adopted":
      return "Waits until the adopted vectors are copied.";
    case "as it is":
      return "Nothing to do: the vectors were adopted as they are, without a model.";
    case "retired":
      return "Nothing to do: the profile is retired.";
    case "waiting for workers":
      return "Waits for the workers: every chunk is in the queue.";
    case "gaps found":
      return `Found ${count(gaps, "chunk")} without a vector, to be enqueued next.`;
    case "vectors lost":
      return `Found ${count(gaps, "chunk")} whose vector was lost: the backfill starts again.`;
    case "complete":
      return "Nothing to do: every chunk has its vector or is in quarantine.";
    default:
      return state;
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
