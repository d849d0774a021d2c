import { formatAmount, formatCount, formatDuration, isUnknownModel } from "@reembed/core";
import { describeQueueLimits, type EmbedQueues, type QueueCounts } from "@reembed/queue";
import { findAdoptionProblem } from "@reembed/store/adoption";
import { type LogBacklog, readLogBacklog } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readWrongClocks, type WrongClock } from "@reembed/store/diagnosis";
import { readUndelivered, type Undelivered } from "@reembed/store/notices";
import { type RegisteredProfile, readProfiles } from "@reembed/store/profiles";
import { type Coverage, type LiveWorker, readCoverage, readLiveWorkers, readWork } from "@reembed/store/progress";
import type { BackfillOrder, ProfileState } from "@reembed/store/schema";
import { type AnnIndex, readAnnIndex } from "@reembed/store/search";
import { readSpending, type Spending } from "@reembed/store/spending";
import { lastVerification } from "@reembed/store/verification";
import { describeNextStep } from "../backfill/next-step.ts";
import { estimatedAt, type Forecast, forecast } from "./forecast.ts";

/** A profile's progress, its queue and its workers: an object of `reembed status --json`. */
export interface ProfileStatus extends Coverage {
  profile: string;
  state: ProfileState;
  /** Whether its vectors were adopted as they are, without a model: nobody embeds its changes. */
  asIs: boolean;
  /** Whether an operator has paused its backfill; changes are still embedded. */
  paused: boolean;
  /** What an operator has to do before it is embedded; null if nothing. */
  next: string | null;
  /** Why its backfill enqueues less than it could; null if nothing limits it. */
  throttleReason: string | null;
  backfill: { order: BackfillOrder; until: number | null; rate: number | null };
  /** What embedding servers were paid for it; null if none was used. */
  spending: Spending | null;
  queue: QueueCounts;
  /** What keeps workers from the queue, if somebody has set it on Bull Board; otherwise null. */
  queueLimits: string | null;
  rate: { chunksPerSecond: number; tokensPerSecond: number };
  /** Seconds until nothing is pending at the present rate; null if the rate is 0. */
  etaSeconds: number | null;
  /** Null without an estimate. */
  forecast: Forecast | null;
  /** The last verification; null before the first. */
  verification: { at: string; passed: boolean } | null;
  /** The ANN index; null if there is none. `recall10` is null before it was measured. */
  index: { kind: AnnIndex["kind"]; valid: boolean; building: AnnIndex["building"]; recall10: number | null } | null;
  /** What keeps the rows of its adopted table from being followed; null if nothing does. */
  adoption: string | null;
  /** Hosts of any profile whose clock differs from the database's. */
  wrongClocks: WrongClock[];
  /** What triggers of any chunking have recorded and no tick has taken yet. */
  changeLog: LogBacklog;
  /** Notices of any profile that the webhook's receiver did not take; null if it took all. */
  undelivered: Undelivered | null;
  /** `waitsFor`: why a worker does not go on, such as a key that is refused or a budget that is spent; null if it does. */
  workers: Pick<LiveWorker, "id" | "host" | "device" | "profile" | "tokensPerSecond" | "waitsFor">[];
}

/**
 * What waits to be embedded, for how long, and whether there is a worker: `3 changes wait, the oldest for 8 s, and no worker
 * is running`. Null if nothing waits and there is a worker.
 */
export function describeWaiting(
  { pending, changes, oldestChangeSeconds }: Pick<Coverage, "pending" | "changes" | "oldestChangeSeconds">,
  workers: number,
): string | null {
  const noun = (count: number, one: string) => `${formatCount(count)} ${one}${count === 1 ? " waits" : "s wait"}`;
  const nobody = workers === 0 ? "no worker is running" : null;
  if (pending === 0 && changes === 0) return nobody;
  const waits =
    changes > 0 && pending <= changes
      ? noun(changes, "change")
      : `${noun(pending, "chunk")}${changes > 0 ? `, ${formatCount(changes)} of them changes` : ""}`;
  const oldest = oldestChangeSeconds === null ? "" : `, the oldest for ${formatDuration(oldestChangeSeconds)}`;
  return `${waits}${oldest}${nobody === null ? "" : `, and ${nobody}`}`;
}

/** `2 workers wait: The embedding server at … refuses a request with 401`: a line for each reason. */
export function describeWaits(workers: ProfileStatus["workers"]): string[] {
  const reasons = new Set(workers.flatMap(({ waitsFor }) => waitsFor ?? []));
  return [...reasons].map((reason) => {
    const waiting = workers.filter(({ waitsFor }) => waitsFor === reason).length;
    return `${waiting === 1 ? "1 worker waits" : `${formatCount(waiting)} workers wait`}: ${reason}`;
  });
}

/** `12.30 of a budget of 20.00 spent, for 615,000,000 tokens at 0.02 a million`. Null if nothing costs anything. */
export function describeSpending({ spending }: Pick<ProfileStatus, "spending">): string | null {
  if (spending === null || (spending.price === null && spending.cost === 0 && spending.budget === null)) return null;
  const { cost, budget, sentTokens, price } = spending;
  const limit = budget === null ? "" : ` of a budget of ${formatAmount(budget)}`;
  const each = price === null ? "" : ` at ${formatAmount(price)} a million`;
  return `${formatAmount(cost)}${limit} spent, for ${formatCount(sentTokens)} tokens${each}`;
}

/** Between two ticks the log may wait this long, and a tick may take as long. */
const longTickSeconds = 60;

/**
 * `12,345 changes wait in the log, the first for 12 min: no producer takes them`. Null if they wait no longer than a tick may
 * take.
 */
export function describeBacklog({ rows, oldestSeconds }: LogBacklog, tickSeconds = 0): string | null {
  if (oldestSeconds <= longTickSeconds + 2 * tickSeconds) return null;
  const wait = rows === 1 ? "1 change waits" : `${formatCount(rows)} changes wait`;
  return `${wait} in the log, the first for ${formatDuration(oldestSeconds)}: no producer takes them`;
}

/** The profiles are read in parallel: two profiles of a million chunks each take PostgreSQL a quarter of a second. */
export async function readStatus(database: Database, queues: EmbedQueues): Promise<ProfileStatus[]> {
  const alive = await readLiveWorkers(database);
  const wrongClocks = await readWrongClocks(database);
  const changeLog = await readLogBacklog(database);
  const undelivered = (await readUndelivered(database)) ?? null;
  return await Promise.all(
    (await readProfiles(database)).map(async (profile) => {
      const workers = alive.filter((worker) => worker.profile === profile.name);
      return { ...(await readProfileStatus(database, queues, profile, workers)), wrongClocks, changeLog, undelivered };
    }),
  );
}

async function readProfileStatus(
  database: Database,
  queues: EmbedQueues,
  profile: RegisteredProfile,
  workers: readonly LiveWorker[],
): Promise<Omit<ProfileStatus, "wrongClocks" | "changeLog" | "undelivered">> {
  const { name, state, paused, throttleReason } = profile;
  const queue = await queues.of(name).counts();
  const queueLimits = await describeQueueLimits(queues.of(name).bullmq);
  const problem = await findAdoptionProblem(database, profile);
  // Nothing can be counted then.
  if (problem !== undefined && problem.code !== "adopted_table_unfollowed") throw problem;
  const coverage = await readCoverage(database, profile);
  const estimated = estimatedAt(profile);
  const work = estimated && (await readWork(database, name, estimated));
  const verification = await lastVerification(database, profile);
  const rate = sumRates(workers);
  const etaSeconds = rate.chunksPerSecond > 0 ? Math.round(coverage.pending / rate.chunksPerSecond) : null;
  return {
    profile: name,
    state,
    asIs: isUnknownModel(profile.model),
    paused,
    next: describeNextStep(profile, coverage.chunks),
    throttleReason,
    ...coverage,
    backfill: { order: profile.backfillOrder, until: profile.backfillUntil, rate: profile.backfillRate },
    spending: (await readSpending(database, name)) ?? null,
    queue,
    queueLimits,
    adoption: problem === undefined ? null : `${problem.message} ${problem.remedy}`,
    rate,
    etaSeconds,
    forecast: forecast(profile, work, { ...rate, etaSeconds }, new Date()),
    verification:
      verification === undefined ? null : { at: verification.verifiedAt.toISOString(), passed: verification.passed },
    index: describeIndex(await readAnnIndex(database, profile), profile),
    workers: workers.map(({ id, host, device, tokensPerSecond, waitsFor }) => ({
      ...{ id, host, device, profile: name },
      ...{ tokensPerSecond, waitsFor },
    })),
  };
}

function describeIndex(
  { exists, kind, valid, building }: AnnIndex,
  { ann }: RegisteredProfile,
): ProfileStatus["index"] {
  if (!exists && building === null) return null;
  return { kind, valid, building, recall10: ann?.recall10 ?? null };
}

function sumRates(workers: readonly LiveWorker[]): ProfileStatus["rate"] {
  const sum = (of: "chunksPerSecond" | "tokensPerSecond") => workers.reduce((total, worker) => total + worker[of], 0);
  return { chunksPerSecond: sum("chunksPerSecond"), tokensPerSecond: sum("tokensPerSecond") };
}
