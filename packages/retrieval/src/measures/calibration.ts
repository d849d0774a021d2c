import { type DecidingScores, shareFrom, thresholdSteps } from "./thresholds.ts";

/** The scores that decide which queries a profile answers at a threshold. */
export interface QueryScores extends DecidingScores {
  /** The best score of each query, judged or not. */
  best: number[];
}

/** What happens to queries at a threshold. */
export interface CalibrationPoint {
  threshold: number;
  /** Share of all queries that get results. */
  shown: number;
  /** Share of the answerable queries that get a right answer; null without judgements. */
  answered: number | null;
  /** Share of the unanswerable queries that get results; null without such queries. */
  misled: number | null;
}

export interface Calibration {
  /** Which property of the baseline the proposed threshold preserves. */
  rule: "no more misled" | "same share";
  /** The baseline at its present threshold. */
  baseline: CalibrationPoint;
  candidate: CalibrationPoint;
  proposed: CalibrationPoint;
  curves: { baseline: CalibrationPoint[]; candidate: CalibrationPoint[] };
}

export interface CalibratedProfile {
  scores: QueryScores;
  threshold: number;
}

/**
 * Proposes a threshold for the candidate, whose similarities are on another scale than the baseline's. If right and
 * wrong answers are known, the candidate misleads no more often than the baseline does now, and answers as many queries
 * as that allows. (Youden's index, which separates right from wrong best, would let a model with poorly separated scores
 * answer almost nothing: 7 % instead of 34 % on the sample handbook.) Otherwise the candidate has results for the same
 * share of queries as the baseline now. Of equally good thresholds the greatest is taken: it lets the least through.
 */
export function calibrateThreshold(baseline: CalibratedProfile, candidate: CalibratedProfile): Calibration {
  const now = pointAt(baseline.scores, baseline.threshold);
  const curves = { baseline: curveOf(baseline.scores), candidate: curveOf(candidate.scores) };
  const rightful = curves.candidate.filter(({ answered, misled }) => isAtMost(misled, now.misled) && answered !== 0);
  const known = now.answered !== null && rightful.length > 0;
  return {
    rule: known ? "no more misled" : "same share",
    baseline: now,
    candidate: pointAt(candidate.scores, candidate.threshold),
    proposed: known
      ? best(rightful, ({ answered }) => answered ?? 0)
      : best(curves.candidate, ({ shown }) => -Math.abs(shown - now.shown)),
    curves,
  };
}

function isAtMost(share: number | null, most: number | null): boolean {
  return share !== null && most !== null && share <= most;
}

function curveOf(scores: QueryScores): CalibrationPoint[] {
  return thresholdSteps.map((threshold) => pointAt(scores, threshold));
}

function pointAt({ best, right, wrong }: QueryScores, threshold: number): CalibrationPoint {
  const orNull = (share: number) => (Number.isNaN(share) ? null : share);
  return {
    threshold,
    shown: shareFrom(best, threshold),
    answered: orNull(shareFrom(right, threshold)),
    misled: orNull(shareFrom(wrong, threshold)),
  };
}

function best(curve: readonly CalibrationPoint[], worth: (point: CalibrationPoint) => number): CalibrationPoint {
  return curve.reduce((chosen, point) => (worth(point) >= worth(chosen) ? point : chosen));
}
