export { countAttempt, markChangesEnqueued, readAttempts, readDueChanges, recordGaps } from "./changes.ts";
export { countDocuments, countOtherDocuments, pingDatabase, readTokens } from "./counts.ts";
export { type Coverage, readCoverage, readQuarantineReasons } from "./coverage.ts";
export { checkDatabase, type Database, describeServer, openDatabase } from "./database.ts";
export { type DocumentInput, type StoredDocuments, storeDocuments } from "./documents.ts";
export { type EmbeddedChunk, upsertEmbeddings } from "./embeddings.ts";
export { type SearchOptions, type SearchResult, searchExactly } from "./exact-search.ts";
export { checkTables, dropTables, migrateDatabase } from "./migrate.ts";
export { type PendingChunk, readBackfillIds, readPendingChunks } from "./pending.ts";
export {
  advanceCursor,
  completeBackfill,
  type RegisteredProfile,
  readProfile,
  readProfiles,
  startBackfill,
} from "./profiles.ts";
export {
  type QuarantinedChunk,
  quarantineChunks,
  type RejectedChunk,
  readQuarantined,
  retryQuarantined,
} from "./quarantine.ts";
export { registerProfiles } from "./registration.ts";
export { chunksPartition, embeddingsPartition } from "./relations.ts";
export { type SampledChunk, sampleChunks } from "./sampling.ts";
export type {
  AnnSettings,
  BackfillOrder,
  ChunkSource,
  EvaluationVerdict,
  FeedbackKind,
  RolloutStage,
} from "./schema.ts";
export { addThroughput, type MinuteOfWork, readThroughput } from "./throughput.ts";
export { type LiveWorker, readLiveWorkers, recordHeartbeat, removeHeartbeat, type WorkerHeartbeat } from "./workers.ts";
