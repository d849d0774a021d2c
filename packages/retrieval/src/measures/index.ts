export { agreementOf } from "./agreement.ts";
export { bootstrapDifference, bootstrapMean, bootstrapRelativeChange, type Interval } from "./bootstrap.ts";
export { type Calibration, type CalibrationPoint, calibrateThreshold, type QueryScores } from "./calibration.ts";
export { type ModelChunkingEffects, type ModelChunkingGrid, splitDifference } from "./effects.ts";
export { formatDifference, formatInterval, formatPercent } from "./format-interval.ts";
export { firstOfEachDocument } from "./gains.ts";
export { answersOf, type JudgedQuery, ofAnswerable } from "./judged-query.ts";
export type { Judgement, RankedChunk, ScoredChunk } from "./judgement.ts";
export {
  type CutoffMeasures,
  measureNames,
  measureRanking,
  measureRankingAt,
  type RankingMeasures,
} from "./measures.ts";
export { column, compareMeasures, type MeasuredQueries, summarizeMeasures } from "./summary.ts";
export {
  bestScore,
  type DecidingScores,
  decidingScores,
  type ThresholdEffect,
  thresholdCurve,
  thresholdEffect,
} from "./thresholds.ts";
