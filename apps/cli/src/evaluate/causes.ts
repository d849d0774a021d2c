import {
  bootstrapMean,
  type Interval,
  type ModelChunkingEffects,
  type ModelChunkingGrid,
  type ScoredChunk,
  splitDifference,
} from "@reembed/core";
import type { Contender } from "./contender.ts";
import { type GridCellOptions, type MissingCell, type RankedCell, rankCell } from "./grid-cell.ts";

/** nDCG of one model on one chunking. */
interface GridCell extends Pick<RankedCell, "profile" | "builtIn"> {
  ndcg: Interval;
}

/** Which part of the difference is the model's and which the chunking's. */
export type Causes =
  | { kind: "measured"; cells: ModelChunkingGrid<GridCell>; effects: ModelChunkingEffects }
  /** Only the one differs between the profiles, and the whole difference is its own. */
  | { kind: "model" | "chunking" }
  | { kind: "missing"; missing: MissingCell[] };

/** A side of the comparison as it was measured. */
export interface MeasuredSide extends Contender {
  vectors: readonly Float32Array[];
  /** Of each answerable query. */
  ndcg: readonly number[];
}

/**
 * Measures each model on the other's chunks too, so that the model's effect is not taken for that of larger chunks.
 * @param measure nDCG of each answerable query.
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
