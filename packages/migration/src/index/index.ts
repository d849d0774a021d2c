export { buildAndMeasure, lostVectors, missedRecall, type WantedIndex } from "./build-and-measure.ts";
export type { BuiltIndex } from "./built-index.ts";
export type { Progress, ProgressLine } from "./progress.ts";
