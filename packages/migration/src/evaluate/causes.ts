import {
  bootstrapMean,
  type Interval,
  type ModelChunkingEffects,
  type ModelChunkingGrid,
  type ScoredChunk,
  splitDifference,
} from "@reembed/retrieval/measures";
import type { Contender } from "./contender.ts";
import { type GridCellOptions, type MissingCell, type RankedCell, rankCell } from "./grid-cell.ts";

/** nDCG of one model with one chunking. */
interface GridCell extends Pick<RankedCell, "profile" | "builtIn"> {
  ndcg: Interval;
}

/** How much of the difference comes from the model and how much from the chunking. */
export type Causes =
  | { kind: "measured"; cells: ModelChunkingGrid<GridCell>; effects: ModelChunkingEffects }
  /** The profiles differ in only one of the two, which causes the whole difference. */
  | { kind: "model" | "chunking" }
  | { kind: "missing"; missing: MissingCell[] };

/** One side of the comparison with its measures. */
export interface MeasuredSide extends Contender {
  vectors: readonly Float32Array[];
  /** One value per answerable query. */
  ndcg: readonly number[];
}

/**
 * Also measures each model with the other's chunks, so that the effect of larger chunks is not attributed to the model.
 * @param measure Computes nDCG for each answerable query.
 */
export async function findCauses(
  { baseline, candidate }: { baseline: MeasuredSide; candidate: MeasuredSide },
  measure: (rankings: readonly (readonly ScoredChunk[])[]) => number[],
  options: GridCellOptions,
): Promise<Causes> {
  if (baseline.profile.chunking === candidate.profile.chunking) return { kind: "model" };
  if (baseline.profile.model === candidate.profile.model) return { kind: "chunking" };
  const baselineModel = await rankCell(baseline, candidate.profile, options);
  const candidateModel = await rankCell(candidate, baseline.profile, options);
  if (!("rankings" in baselineModel && "rankings" in candidateModel)) {
    return { kind: "missing", missing: [baselineModel, candidateModel].filter((cell) => "commands" in cell) };
  }
  const values = {
    baseline: baseline.ndcg,
    candidate: candidate.ndcg,
    baselineModel: measure(baselineModel.rankings),
    candidateModel: measure(candidateModel.rankings),
  };
  const cell = ({ profile, builtIn }: Pick<RankedCell, "profile" | "builtIn">, ndcg: readonly number[]): GridCell => ({
    profile,
    builtIn,
    ndcg: bootstrapMean(ndcg),
  });
  return {
    kind: "measured",
    cells: {
      baseline: cell({ profile: baseline.profile.name, builtIn: "database" }, values.baseline),
      candidate: cell({ profile: candidate.profile.name, builtIn: "database" }, values.candidate),
      baselineModel: cell(baselineModel, values.baselineModel),
      candidateModel: cell(candidateModel, values.candidateModel),
    },
    effects: splitDifference(values),
  };
}
