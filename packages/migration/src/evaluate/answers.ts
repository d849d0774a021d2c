import type { ScoredChunk } from "@reembed/retrieval/measures";
import type { Contender } from "./contender.ts";

/** One side's results for each query. */
export interface Answers extends Contender {
  vectors: Float32Array[];
  rankings: ScoredChunk[][];
}
