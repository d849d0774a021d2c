import { formatTable } from "@reembed/core";
import type { EvaluationReport } from "@reembed/migration/evaluate";
import { type Calibration, type CalibrationPoint, formatPercent } from "@reembed/retrieval/measures";

const mostRows = 12;

/** The proposed threshold of the candidate next to the present thresholds, and the curve that it was chosen from. */
export function formatThresholds({ baseline, candidate, thresholds }: EvaluationReport): string {
  if (thresholds === null) return "";
  const { proposed } = thresholds;
  const row = (title: string, { threshold, shown, answered, misled }: CalibrationPoint) => [
    title,
    threshold.toFixed(2),
    formatPercent(shown),
    ...(answered === null ? [] : [formatPercent(answered)]),
    ...(misled === null ? [] : [formatPercent(misled)]),
  ];
  return [
    formatTable([
      [
        "threshold",
        "",
        "with results",
        ...(proposed.answered === null ? [] : ["rightly answered"]),
        ...(proposed.misled === null ? [] : ["wrongly answered"]),
      ],
      row(`${baseline.profile} now`, thresholds.baseline),
      row(`${candidate.profile} now`, thresholds.candidate),
      row("proposed", proposed),
      ...steepPart(thresholds.curves.candidate).map((point) => row(`${candidate.profile} at`, point)),
    ]),
    `SIMILARITY_THRESHOLD=${proposed.threshold} ${reason(thresholds, baseline)}`,
  ].join("\n");
}

function reason({ rule }: Calibration, { profile, threshold }: EvaluationReport["baseline"]): string {
  const now = `${profile} at ${threshold}`;
  return rule === "same share"
    ? `has results for as many queries as ${now}.`
    : `misleads no more unanswerable queries than ${now}, and answers as many others as possible.`;
}

/** The range of thresholds in which the curve falls, in steps that leave only a few of them. */
function steepPart(curve: readonly CalibrationPoint[]): CalibrationPoint[] {
  const first = curve.findLastIndex(({ shown }) => shown === curve[0]?.shown);
  const last = curve.findIndex(({ shown }) => shown === 0);
  const [from, to] = [Math.max(0, first), last === -1 ? curve.length - 1 : last];
  const step = [1, 2, 5, 10].find((hundredths) => (to - from) / hundredths < mostRows) ?? 20;
  return curve.filter((_, index) => index > from - step && index < to + step && index % step === 0);
}
