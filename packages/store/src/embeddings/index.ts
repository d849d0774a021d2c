export { type EmbeddedChunk, upsertEmbeddings } from "./embeddings.ts";
export { type PendingChunk, readPendingChunks } from "./pending.ts";
export {
  type QuarantinedChunk,
  quarantineChunks,
  type RejectedChunk,
  readQuarantined,
  readQuarantinedChunk,
  retryQuarantined,
} from "./quarantine.ts";
export { readFirstOwnIds, readVectors, readVectorsAfter, sampleVectorIds, type VectorOfText } from "./read-vectors.ts";
export { reuseEmbeddings } from "./reuse.ts";
