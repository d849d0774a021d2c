export { type Adoption, readAdoption, refuseAdopted } from "./adoption.ts";
export { createDocuments, type MisfitDocument } from "./adoption-documents.ts";
export { checkSource, readDimensions } from "./adoption-source.ts";
export { takeOver } from "./adoption-takeover.ts";
export { copyVectors, sampleSource } from "./adoption-vectors.ts";
export {
  type AnnBuildGround,
  type AnnBuildProgress,
  type AnnBuildResources,
  type AnnIndex,
  type AnnIndexShape,
  analyzeVectors,
  annIndexName,
  createAnnIndex,
  dropAnnIndex,
  lacksSharedMemory,
  openSession,
  readAnnIndex,
  readBuildGround,
  setAnnSettings,
  tryBuildLock,
} from "./ann-index.ts";
export { findUnreachable, type ReachOptions } from "./ann-reach.ts";
export { breadthSetting, findExactRadii, measureIndexRecall, type Radius } from "./ann-recall.ts";
export { searchProfile } from "./ann-search.ts";
export {
  type BackfillCourse,
  isBackfillDone,
  moveCursorBack,
  readNextChunks,
  setCourse,
  setHeld,
  setPaused,
} from "./backfill.ts";
export { isCancelled, withCancellation } from "./cancellation.ts";
export { takeChanges } from "./change-log.ts";
export {
  countAttempt,
  hasGapsInHand,
  markChangesEnqueued,
  readDueChanges,
  readDueLeaders,
  recordGaps,
} from "./changes.ts";
export { countDocuments, countOtherDocuments, pingDatabase, readTokens } from "./counts.ts";
export { type Coverage, countLost, readCoverage, readQuarantineReasons } from "./coverage.ts";
export {
  checkDatabase,
  type Database,
  describeServer,
  type OpenDatabaseOptions,
  openDatabase,
  requirePgvector,
  requirePostgres,
  requireUtf8,
} from "./database.ts";
export { type DatabaseLoad, readDatabaseLoad } from "./database-load.ts";
export {
  type ReplicationFacts,
  readClockAhead,
  readDatabaseTime,
  readReplication,
  readServerFacts,
  type ServerFacts,
} from "./diagnosis.ts";
export {
  countOrphans,
  type Looked,
  readTextFacts,
  readVectorFacts,
  type TextFacts,
  type VectorFacts,
} from "./diagnosis-corpus.ts";
export { hasIndexOn, type IndexFacts, readAnnIndexes, readTableBytes } from "./diagnosis-indexes.ts";
export { type RightsFacts, readMissingRights, readRights } from "./diagnosis-rights.ts";
export { readTriggerFacts, type TriggerFacts } from "./diagnosis-triggers.ts";
export {
  addRecut,
  countUncutDocuments,
  nothingRecut,
  postponeOldestChange,
  type RecutDocuments,
  recutChangedDocuments,
  recutUncutDocuments,
} from "./document-changes.ts";
export { type DocumentInput, type StoredDocuments, storeDocuments } from "./documents.ts";
export { describeStatement } from "./dry-run.ts";
export { type EmbeddedChunk, upsertEmbeddings } from "./embeddings.ts";
export {
  type Estimate,
  hasUncutDocuments,
  readChunkTotals,
  readDocumentTotals,
  recordEstimate,
  sampleAdopted,
  sampleBodies,
} from "./estimates.ts";
export {
  type PlacedChunk,
  type Quotation,
  readDocumentIds,
  readDocumentLengths,
  readHolders,
  readPlacedChunks,
} from "./evaluation-corpus.ts";
export { type Evaluation, lastEvaluation, recordEvaluation } from "./evaluations.ts";
export { searchExactly } from "./exact-search.ts";
export { type GuardWindowOptions, readGuardWindow, readKeptWindow } from "./guard-window.ts";
export { describeWrongClock, followDatabaseClock, readWrongClocks, type WrongClock } from "./host-clock.ts";
export { readIdentity } from "./identity.ts";
export { forgetLeaders, recordLeaders } from "./leaders.ts";
export { readLoggedQueries } from "./logged-queries.ts";
export { checkTables, dropTables, migrateDatabase } from "./migrate.ts";
export { type PendingChunk, readBackfillIds, readPendingChunks } from "./pending.ts";
export { requireOwnSessions, requirePooledSettings } from "./pooling.ts";
export {
  advanceCursor,
  completeBackfill,
  type RegisteredProfile,
  readProfile,
  readProfiles,
  reopenBackfill,
  startBackfill,
} from "./profiles.ts";
export {
  type QuarantinedChunk,
  quarantineChunks,
  type RejectedChunk,
  readQuarantined,
  readQuarantinedChunk,
  retryQuarantined,
} from "./quarantine.ts";
export { registerProfiles } from "./registration.ts";
export { chunksPartition, embeddingsPartition } from "./relations.ts";
export { type Retention, removeExpired } from "./retention.ts";
export { isRetired, type Removal, readRemoval, removeRetired, retireBaseline } from "./retirement.ts";
export { reuseEmbeddings } from "./reuse.ts";
export { type ChangeReason, changeRollout, findRollout, readRollout, rolloutBucket } from "./rollout.ts";
export {
  environmentName,
  guardrailName,
  type RolloutEvent,
  readLastBreach,
  readRolloutEvents,
  readStageEntry,
} from "./rollout-events.ts";
export { ensureRollout } from "./rollout-pair.ts";
export { type SampledChunk, sampleChunks } from "./sampling.ts";
export type {
  AnnSettings,
  BackfillOrder,
  ChunkSource,
  EvaluationVerdict,
  FeedbackKind,
  ProfileState,
} from "./schema.ts";
export { countShadowed, recordFeedback, recordSearches, type SearchEvent, type SearchFeedback } from "./search-log.ts";
export type { SearchFilter, SearchOptions, SearchResult } from "./search-results.ts";
export { type SweepOptions, sweepBlock } from "./sweep.ts";
export { addThroughput, type MinuteOfWork, readThroughput, readWork, type Work } from "./throughput.ts";
export { lastVerification, recordVerification, type Verification } from "./verification.ts";
export {
  type CheckedChunks,
  checkVectors,
  findOrphans,
  readVectors,
  readVectorsAfter,
  sampleVectorIds,
  shownIds,
  type VectorOfText,
  type VectorState,
} from "./verification-checks.ts";
export { type LiveWorker, readLiveWorkers, recordHeartbeat, removeHeartbeat, type WorkerHeartbeat } from "./workers.ts";
