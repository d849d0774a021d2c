export {
  buildAndMeasure,
  defaultBuild,
  lostVectors,
  missedRecall,
  refuseEmbedded,
  type WantedIndex,
} from "./build-and-measure.ts";
export type { BuiltIndex } from "./built-index.ts";
export type { Progress, ProgressLine } from "./progress.ts";
export { buildRequestedIndex, requestIndexBuild } from "./requested-build.ts";
