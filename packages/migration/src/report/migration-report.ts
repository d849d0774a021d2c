import type { Course } from "@reembed/store/progress";
import type { RolloutEvent } from "@reembed/store/rollout";
import type { EvaluationReport } from "../evaluate/report.ts";
import type { Stages } from "../status/stage.ts";
import type { ProfileStatus } from "../status/status.ts";
import type { VerificationReport } from "../verify/verify-profile.ts";

/** The output of `reembed report --json`: what a migration has done so far, with its proofs. */
export interface MigrationReport {
  /** The version of Reembed that wrote it. */
  version: string;
  at: string;
  database: { name: string; bytes: number; postgres: string; pgvector: string | null };
  /** Null before there is another profile to migrate to. */
  migration: Stages | null;
  profiles: ReportedProfile[];
  /** Null if nothing was embedded while the history was kept. */
  course: Course | null;
  /** The changes of the rollout between the present two profiles, the oldest first. */
  events: Omit<RolloutEvent, "baselineWindow">[];
  evaluation: { at: string; report: EvaluationReport } | null;
  /** What the operator has set, by its variable; no secret is among it. */
  settings: Record<string, string>;
}

export interface ReportedProfile {
  status: ProfileStatus;
  model: ReportedModel;
  quarantine: { reason: string; chunks: number }[];
  /** The last verification; null before the first. */
  verification: { at: string; report: VerificationReport } | null;
}

export interface ReportedModel {
  id: string;
  revision: string;
  dimensions: number;
  chunking: string;
  limit: number;
  threshold: number;
  /** SHA-256 of its files on this host, as recorded; empty if they are elsewhere. */
  files: { path: string; sha256: string }[];
}
