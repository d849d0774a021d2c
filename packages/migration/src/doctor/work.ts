import { formatCount, formatDuration } from "@reembed/core";
import { type FailedBatches, readFailedBatches } from "@reembed/queue";
import { type LogBacklog, readLogBacklog } from "@reembed/store/changes";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { type Coverage, countCoverage, countLost, readLiveWorkers } from "@reembed/store/progress";
import { describeBacklog, describeWaiting } from "../status/status.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, warning, withoutStop } from "./finding.ts";

/** After its backfill a profile still needs workers, to embed changes. */
export const checkWork: Check = async ({ config, database, redis, queue, registered }) => {
  // Before `reembed init` there are no tables to read.
  if (database === undefined || registered.length === 0) return [];
  const alive = await readLiveWorkers(database);
  const findings: Finding[] = [];
  for (const profile of registered) {
    const workers = alive.filter((worker) => worker.profile === profile.name).length;
    const work = judgeWork(profile, await countCoverage(database, profile), workers);
    const isReachable = queue !== undefined && (queue.kind === "postgres" || redis !== undefined);
    const failed = isReachable ? judgeFailedBatches(profile.name, await readFailedBatches(queue, profile.name)) : [];
    findings.push(...failed, ...work.filter(({ verdict }) => failed.length === 0 || verdict !== "ok"));
  }
  return [...findings, ...judgeLog(await readLogBacklog(database), config.producer.tickMs)];
};

const dayInSeconds = 86_400;
const shownCharacters = 200;

/** Older failures are history: chunks that still lack a vector are enqueued again, and fail anew. */
export function judgeFailedBatches(name: string, failed: FailedBatches | null): Finding[] {
  if (failed === null || failed.secondsAgo > dayInSeconds) return [];
  const { batches, reason, secondsAgo } = failed;
  const many = batches === 1 ? "1 batch has" : `${formatCount(batches)} batches have`;
  const says = `${many} failed, the last ${formatDuration(secondsAgo)} ago: ${withoutStop(reason.slice(0, shownCharacters))}`;
  const remedy =
    "Mend the cause: then the producer enqueues their chunks again, changes within five minutes and others at the end of " +
    "the backfill. The dashboard's jobs page has every batch, and removes failed ones.";
  return [warning(`work on ${name}`, says, remedy)];
}

/** Without a producer nothing takes what triggers record, and the log grows with each write. */
export function judgeLog(backlog: LogBacklog, tickMs: number): Finding[] {
  const waiting = describeBacklog(backlog, tickMs / 1_000);
  if (waiting === null) return [];
  const remedy = "Run `reembed producer`; if one is running, its log says why its ticks fail.";
  return [warning("change log", waiting, remedy)];
}

/** A profile has no work before its backfill starts, or while it is paused and no change waits. */
export function judgeWork(
  { name, state, paused }: Pick<RegisteredProfile, "name" | "state" | "paused">,
  coverage: Coverage,
  workers: number,
): Finding[] {
  const check = `work on ${name}`;
  if (state === "registered" || state === "adopting" || state === "retired") return [];
  const lost = state === "backfilled" ? countLost(coverage) : 0;
  if (lost > 0) {
    const says = `${formatCount(lost)} of ${formatCount(coverage.chunks)} chunks have lost their vectors after the backfill`;
    return [
      warning(
        check,
        says,
        `Run a producer, which has them embedded again, or \`reembed backfill start --profile ${name}\`.`,
      ),
    ];
  }
  const idle = paused && state === "backfilling" && coverage.changes === 0;
  const waiting = describeWaiting(coverage, workers);
  if (workers === 0 && !idle) {
    return [warning(check, waiting ?? "no worker is running", `Run \`reembed worker --profile ${name}\`.`)];
  }
  return [ok(check, waiting ?? `${formatCount(coverage.embedded)} of ${formatCount(coverage.chunks)} chunks embedded`)];
}
