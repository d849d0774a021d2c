import type { Rollout } from "@reembed/core";
import type { Milestones } from "@reembed/store/progress";
import type { RolloutEvent } from "@reembed/store/rollout";
import type { ReadEvidence } from "../rollout/evidence.ts";
import type { Objection } from "../rollout/objections.ts";

/** The stages of a migration in their order. */
export const stageNames = [
  ...["adopted", "cut", "embedding", "indexed", "verified", "judged"],
  ...["shadow", "canary", "full", "finalized"],
] as const;
export type StageName = (typeof stageNames)[number];

export interface Stage {
  name: StageName;
  /** `needless`: this migration does not have the stage. `missing`: it went on without it. */
  state: "done" | "current" | "ahead" | "needless" | "missing";
  /** When it was reached, in ISO 8601; null if it was not, or if nobody has written that down. */
  since: string | null;
}

/** Where a migration is, and what it lacks for the next stage. */
export interface Stages {
  baseline: string;
  candidate: string;
  /** Null before a corpus is adopted or loaded. */
  stage: StageName | null;
  since: string | null;
  /** The share of subjects that the candidate answers, in percent. */
  percent: number;
  /** Who took the candidate's traffic away, and why; null unless the last change did that. */
  rolledBack: { at: string; by: string; reason: string } | null;
  next: NextStage;
  stages: Stage[];
}

/** What leads to the next stage. */
export interface NextStage {
  /** Null after the last one. */
  stage: StageName | null;
  /** What is missing for it, a sentence each; empty if it can be taken now. */
  missing: string[];
  /** What to run now; null if it goes on by itself. */
  command: string | null;
}

export interface StageFacts {
  rollout: Rollout;
  evidence: ReadEvidence;
  /** What the guard holds against a greater share. */
  objections: readonly Objection[];
  milestones: Milestones;
  /** The changes of the rollout between these two profiles, the newest first. */
  events: readonly RolloutEvent[];
  /** The candidate's chunks: the baseline's own rows, or cut by themselves, completely or not. */
  chunks: "kept" | "cut" | "uncut";
  chunking: string;
  /** What stands against `reembed finalize`. */
  waits: readonly string[];
  /** Whether a hand-over has written the candidate's vectors into the application's own table. */
  handedOver: boolean;
}
