import { describeBrakes, type TickQueue } from "@reembed/queue";
import { z } from "zod";

/** What a tick returns for a profile; of an older or newer producer it may say more or less. */
const TickReport = z.object({
  profile: z.string(),
  changes: z.number(),
  backfill: z.number(),
  withdrawn: z.number().default(0),
  gaps: z.number(),
  state: z.string(),
  held: z.string().nullable().default(null),
});
type TickReport = z.infer<typeof TickReport>;

/** What the producer did last, and whether it still does anything. */
export interface ProducerActivity {
  reports: TickReport[];
  lastTickAt: Date | undefined;
  /** Why the last tick failed, if it did. */
  failure: string | undefined;
  /** Ticks are scheduled and nobody makes them. */
  overdue: boolean;
  /** What somebody has set on Bull Board that keeps ticks from being made. */
  held: string | null;
}

/** A tick that is due for longer is one that no producer takes. */
const patienceMs = 15_000;
/** TICK_SECONDS at most. */
const longestTickMs = 3_600_000;

/** Reads it from the ticks' jobs: a tick's result says what it did for each profile, and why it did no more. */
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
    held: await describeBrakes(bullmq),
    failure: failedAt > lastTickAt ? failed?.failedReason : undefined,
    // One that is put off for longer than ticks are apart has come from a wrong clock, and a producer would have seen it.
    overdue: waits.some((wait) => wait < -patienceMs || wait > longestTickMs + patienceMs),
  };
}

/** What a report means, in a sentence or more. */
export function describeReport(report: TickReport): string {
  const { withdrawn, held } = report;
  return [
    ...(withdrawn > 0 ? [`Took ${count(withdrawn, "chunk")} of the backfill out of the queue.`] : []),
    describeState(report),
    ...(held === null ? [] : [held]),
  ].join(" ");
}

function describeState({ changes, backfill, gaps, state }: TickReport): string {
  switch (state) {
    case "no chunks yet":
      return "Waits for a first document.";
    case "queue is full":
      return "Waits: as many batches are queued as may be.";
    case "enqueuing":
      return `Enqueued ${[
        ...(changes > 0 ? [count(changes, "change")] : []),
        ...(backfill > 0 ? [`${count(backfill, "chunk")} of the backfill`] : []),
      ].join(" and ")}.`;
    case "passing over":
      return "Passes over chunks that have their vectors.";
    case "paused":
      return "The backfill is paused; changes go on.";
    case "held":
      return "Enqueued nothing of the backfill.";
    case "being adopted":
      return "Waits until the adopted vectors are copied.";
    case "retired":
      return "Rests: the profile is retired.";
    case "waiting for workers":
      return "Waits for the workers: every chunk is in the queue.";
    case "gaps found":
      return `Found ${count(gaps, "chunk")} without a vector, to be enqueued next.`;
    case "vectors lost":
      return `Found ${count(gaps, "chunk")} whose vector was lost: the backfill begins anew.`;
    case "complete":
      return "Rests: every chunk has its vector or is in quarantine.";
    default:
      return state;
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
