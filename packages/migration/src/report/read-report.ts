import type { Config } from "@reembed/config";
import { readRecordedFiles } from "@reembed/embedder";
import type { EmbedQueues } from "@reembed/queue";
import { version } from "@reembed/runtime/version";
import type { Database } from "@reembed/store/database";
import { readDatabaseTime, readServerFacts } from "@reembed/store/diagnosis";
import { lastEvaluation } from "@reembed/store/evaluation";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCourse, readQuarantineReasons } from "@reembed/store/progress";
import { findRollout, readPairEvents } from "@reembed/store/rollout";
import { lastVerification } from "@reembed/store/verification";
import type { EvaluationReport } from "../evaluate/report.ts";
import { guardOptions } from "../rollout/evidence.ts";
import { readStages } from "../status/read-stages.ts";
import { type ProfileStatus, readStatus } from "../status/status.ts";
import type { VerificationReport } from "../verify/verify-profile.ts";
import type { MigrationReport, ReportedModel, ReportedProfile } from "./migration-report.ts";

/** As many bars as are told apart on paper. */
const partsOfCourse = 120;

export interface ReportOptions {
  database: Database;
  queues: EmbedQueues;
  config: Config;
}

/** Reads what the database knows of a migration, at any moment of it. */
export async function readReport({ database, queues, config }: ReportOptions): Promise<MigrationReport> {
  const facts = await readServerFacts(database);
  const statuses = await readStatus(database, queues);
  const profiles: ReportedProfile[] = [];
  for (const status of statuses) profiles.push(await readReported(database, status, config));
  const names = profiles.map(({ status }) => status.profile);
  return {
    version,
    at: (await readDatabaseTime(database)).toISOString(),
    database: {
      name: facts.database,
      bytes: facts.databaseBytes,
      postgres: facts.version,
      pgvector: facts.pgvector.installed,
    },
    migration: (await readStages(database, guardOptions(config))) ?? null,
    profiles,
    course: (await readCourse(database, names, partsOfCourse)) ?? null,
    events: (await readPairEvents(database)).toReversed().map(({ baselineWindow, ...event }) => event),
    evaluation: await readEvaluation(database),
    settings: settingsOf(config),
  };
}

async function readReported(database: Database, status: ProfileStatus, config: Config): Promise<ReportedProfile> {
  const profile = await readProfile(database, status.profile);
  const verification = await lastVerification(database, profile);
  return {
    status,
    model: await describeModel(profile, config),
    quarantine: await readQuarantineReasons(database, profile),
    verification:
      verification === undefined
        ? null
        : { at: verification.verifiedAt.toISOString(), report: verification.report as unknown as VerificationReport },
  };
}

async function describeModel(
  { model: id, revision, dimensions, chunking, limit, threshold }: RegisteredProfile,
  config: Config,
): Promise<ReportedModel> {
  const model = [...config.profiles.values()].find((profile) => profile.model.id === id)?.model;
  const files = model === undefined ? {} : await readRecordedFiles(model, config.models.folder);
  const hashes = Object.entries(files).map(([path, { sha256 }]) => ({ path, sha256 }));
  return { id, revision, dimensions, chunking, limit, threshold, files: hashes };
}

async function readEvaluation(database: Database): Promise<MigrationReport["evaluation"]> {
  const rollout = await findRollout(database);
  const evaluation = rollout && (await lastEvaluation(database, rollout));
  if (evaluation === undefined) return null;
  return { at: evaluation.evaluatedAt.toISOString(), report: evaluation.report as unknown as EvaluationReport };
}

/** Addresses may contain passwords, and are left out. */
function settingsOf({
  producer,
  guardrails,
  maxQuarantinedShare,
  redisUrl,
  databaseUrl,
}: Config): Record<string, string> {
  return {
    database: databaseUrl === undefined ? "embedded" : "PostgreSQL",
    queue: redisUrl === undefined ? "in the database" : "Redis",
    BATCH_SIZE: String(producer.batchSize),
    MAX_QUEUED_JOBS: String(producer.maxQueuedJobs),
    TICK_SECONDS: String(producer.tickMs / 1_000),
    MAX_REPLICATION_LAG_SECONDS: String(producer.loadBounds.replicationLagSeconds),
    MAX_ACTIVE_SESSIONS: String(producer.loadBounds.activeSessions),
    MAX_SEARCH_P95_MS: String(producer.loadBounds.searchP95Ms),
    MAX_QUARANTINED_SHARE: String(maxQuarantinedShare),
    ...Object.fromEntries(Object.entries(guardrails).map(([name, value]) => [`guardrail ${name}`, String(value)])),
  };
}
