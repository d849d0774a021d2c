export { isAtLeast, type Role, roles } from "./access/roles.ts";
export { assembleText } from "./chunking/assemble.ts";
export { type ChunkSlice, chunkText } from "./chunking/chunk.ts";
export { diffChunks } from "./chunking/chunk-diff.ts";
export { beforeFirstId } from "./chunking/chunk-id.ts";
export { placeChunks } from "./chunking/chunk-places.ts";
export type { Span } from "./chunking/span.ts";
export { backoffMs } from "./failures/backoff.ts";
export { adviceOf, type ExitCode, messageOf, ReembedError } from "./failures/errors.ts";
export { endsWithin, reportNoAnswer } from "./failures/no-answer.ts";
export { isTransient, isUntakenText } from "./failures/outage.ts";
export { formatMoment } from "./format/moment.ts";
export {
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatShare,
} from "./format/numbers.ts";
export { formatTable } from "./format/table.ts";
export { defaultSchema, isInstallationSchema, queueSchemaOf } from "./installation.ts";
export { type CatalogueEntry, entries as catalogue, models } from "./profiles/catalogue.ts";
export {
  filesRevision,
  isModelId,
  type Model,
  type ModelEndpoint,
  modelKey,
  type Pooling,
  type Prompts,
  unpinned,
  withSettings,
} from "./profiles/model.ts";
export {
  type Chunking,
  chunkingName,
  defaultSearch,
  isProfileName,
  isRechunked,
  type Profile,
  type ProfileOverrides,
  profiles,
  resolveProfile,
} from "./profiles/profile.ts";
export { isUnknownModel, requireKnownModel } from "./profiles/unknown-model.ts";
export { randomNumbers } from "./random-numbers.ts";
export {
  findBreaches,
  formatGuardFigure,
  type GuardFigure,
  type GuardrailSettings,
  type GuardWindow,
  guardedMeasures,
  type LatencyBounds,
  latencyRanks,
  measureGuardrails,
  saysSomething,
} from "./rollout/guardrail.ts";
export { leastCoverage } from "./rollout/least-coverage.ts";
export {
  type Rollout,
  type RolloutStage,
  rolledBack,
  rolloutBuckets,
  servingProfile,
  withPercent,
  withShadow,
} from "./rollout/rollout.ts";
export { prepareSessionStatement, sessionSettings } from "./session.ts";
