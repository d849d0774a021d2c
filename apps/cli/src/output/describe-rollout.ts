import { formatCount, formatShare, formatTable, type RolloutStage } from "@reembed/core";
import type { RolloutStatus } from "@reembed/migration/rollout";

/** The output of `reembed rollout status` as text. */
export function describeStatus(status: RolloutStatus): string {
  const parts = [
    describeShares(status),
    describeReadiness(status),
    describeQuarantine(status),
    describeWindows(status),
    describeDecision(status),
    describeChanges(status),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function describeShares({
  baseline,
  candidate,
  stage,
  percent,
  shadowPercent,
  version,
  profiles,
}: RolloutStatus): string {
  const shares = `Stage ${stage}: ${candidate} answers ${percent} % of subjects, ${baseline} ${round(100 - percent)} %.`;
  const shadow = shadowPercent > 0 ? ` ${candidate} answers ${shadowPercent} % of its requests too, unseen.` : "";
  const retired = profiles.some(({ role, state }) => role === "baseline" && state === "retired");
  return `${shares}${shadow}${retired ? ` ${baseline} is retired: there is no way back.` : ""} (version ${version})`;
}

function describeReadiness({ profiles }: RolloutStatus): string {
  const rows = profiles.map(({ profile, role, state, coverage, pending, changes, workers, index, verification }) => [
    profile,
    role,
    state,
    state === "retired" ? "-" : formatShare(coverage),
    formatCount(pending),
    formatCount(changes),
    formatCount(workers),
    index === null ? "none" : !index.valid ? "not valid" : index.measured ? index.kind : "unmeasured",
    verification === null ? "never" : verification.passed ? "passed" : "failed",
  ]);
  return formatTable(
    [["ready", "role", "state", "coverage", "pending", "changes", "workers", "index", "verified"], ...rows],
    3,
  );
}

/** The chunks that the coverage leaves out, and why. */
function describeQuarantine({ profiles }: RolloutStatus): string {
  const lines = profiles.flatMap(({ profile, reasons }) =>
    reasons.map(({ reason, chunks }) => `${profile}: ${formatCount(chunks)} in quarantine, ${reason}`),
  );
  return lines.join("\n");
}

function describeWindows({ profiles, windowSeconds }: RolloutStatus): string {
  const rows = profiles.map(({ profile, window: { searches, errors, empty, latency, judged, negative } }) => [
    profile,
    formatCount(searches),
    latency === null ? "-" : `${round(latency.p95)} ms`,
    share(errors, searches),
    share(empty, searches - errors),
    share(negative, judged),
  ]);
  return formatTable([[`last ${windowSeconds} s`, "searches", "p95", "failed", "empty", "unhelpful"], ...rows]);
}

function describeDecision({ evaluation, objections, percent }: RolloutStatus): string {
  const lines = [
    evaluation === null ? "Not evaluated yet." : `Evaluation of ${moment(evaluation.at)}: ${evaluation.verdict}.`,
    ...(percent === 100 ? [] : objections.map(({ proof, says }) => `A greater share is refused for ${proof}: ${says}`)),
  ];
  return lines.join("\n");
}

function describeChanges({ changes }: RolloutStatus): string {
  if (changes.length === 0) return "";
  const rows = changes.map(
    ({ changedAt, changedBy, fromStage, fromPercent, toStage, toPercent, reason, overruled }) => [
      moment(changedAt),
      changedBy,
      describePlace(fromStage, fromPercent),
      describePlace(toStage, toPercent),
      [reason, ...Object.entries(overruled).map(([proof, why]) => `${proof} overruled: ${why}`)].join("; "),
    ],
  );
  return formatTable([["when", "who", "from", "to", "why"], ...rows], rows[0]?.length);
}

/** Only for a canary the share does not follow from the stage. */
function describePlace(stage: RolloutStage, percent: number): string {
  return stage === "canary" ? `${stage} ${percent} %` : stage;
}

function share(count: number, total: number): string {
  return total === 0 ? "-" : `${((100 * count) / total).toFixed(1)} %`;
}

/** Percentages have steps of 0.01, but a difference of floats may not. */
function round(value: number): number {
  return Math.round(100 * value) / 100;
}

function moment(at: Date): string {
  return at.toISOString().slice(0, 16).replace("T", " ");
}
