export type { AdoptedSource, ChunkSource } from "./corpus.ts";
export type { AnnSettings, BackfillOrder, ProfileState } from "./profiles.ts";
export type { EvaluationVerdict } from "./proofs.ts";
export { chunksPartition, embeddingsPartition } from "./relations.ts";
