import { formatCount } from "@reembed/core";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { type Coverage, countLost, readCoverage, readLiveWorkers } from "@reembed/store/progress";
import { describeWaiting } from "../status/status.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** After its backfill a profile still needs workers, to embed changes. */
export const checkWork: Check = async ({ database, registered }) => {
  if (database === undefined) return [];
  const alive = await readLiveWorkers(database);
  const findings: Finding[] = [];
  for (const profile of registered) {
    const workers = alive.filter((worker) => worker.profile === profile.name).length;
    findings.push(...judgeWork(profile, await readCoverage(database, profile), workers));
  }
  return findings;
};

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
