import { bootstrapMean, type Interval } from "./bootstrap.ts";

/** One value for each combination of two models and two chunkings. */
export interface ModelChunkingGrid<T> {
  baseline: T;
  candidate: T;
  /** The baseline's model on the candidate's chunks. */
  baselineModel: T;
  /** The candidate's model on the baseline's chunks. */
  candidateModel: T;
}

/** The candidate's gain by cause: `model` + `chunking` is the whole difference. */
export interface ModelChunkingEffects {
  model: Interval;
  chunking: Interval;
  /** How much more the model gains on the candidate's chunks than on the baseline's; 0 if the two causes are independent. */
  interaction: Interval;
}

/**
 * The main effects and the interaction of a 2 x 2 design, paired by query. Each main effect is the mean of the two changes
 * of that factor alone, so the two add up to candidate minus baseline (Montgomery, "Design and analysis of experiments",
 * chapter 6).
 */
export function splitDifference(grid: ModelChunkingGrid<readonly number[]>): ModelChunkingEffects {
  const effect = (of: (cell: ModelChunkingGrid<number>) => number): Interval =>
    bootstrapMean(
      grid.baseline.map((baseline, query) =>
        of({
          baseline,
          candidate: valueAt(grid.candidate, query),
          baselineModel: valueAt(grid.baselineModel, query),
          candidateModel: valueAt(grid.candidateModel, query),
        }),
      ),
    );
  return {
    model: effect((of) => (of.candidateModel - of.baseline + (of.candidate - of.baselineModel)) / 2),
    chunking: effect((of) => (of.baselineModel - of.baseline + (of.candidate - of.candidateModel)) / 2),
    interaction: effect((of) => of.candidate - of.baselineModel - (of.candidateModel - of.baseline)),
  };
}

function valueAt(values: readonly number[], query: number): number {
  const value = values[query];
  if (value === undefined) throw new RangeError(`Not every cell has a value of query ${query}`);
  return value;
}
