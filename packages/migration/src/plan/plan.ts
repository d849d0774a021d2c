import type { Discovery } from "../adopt/adopt-command.ts";
import type { Finding } from "../doctor/finding.ts";
import type { MeasuredRate } from "../estimate/measure-rate.ts";
import type { AdoptionEstimate } from "./estimate-adoption.ts";

/** The output of `reembed plan --json`: what a migration would find, do and cost. */
export interface MigrationPlan {
  /** The version of Reembed that planned. */
  version: string;
  at: string;
  database: { name: string; bytes: number; postgres: string; pgvector: string | null };
  baseline: PlannedProfile;
  candidate: PlannedProfile;
  tables: PlannedTable[];
  /** The adoption that `commands` carry out; null if there is no table with vectors. */
  chosen: { table: string; collection: string | null } | null;
  /** How fast one worker like this host runs the candidate's model. */
  speed: PlannedSpeed;
  /** Number of workers that `seconds` are for. */
  workers: number;
  /** Time to embed the chosen table, by the interval of its tokens; null if tokens or speed are not known. */
  seconds: { total: number; low: number; high: number } | null;
  /** What the tokens of the chosen table cost, in the currency of the price; null if tokens or price are not known. */
  cost: { total: number; low: number; high: number } | null;
  findings: Finding[];
  commands: PlannedCommand[];
}

export interface PlannedProfile {
  profile: string;
  model: string;
  revision: string;
  dimensions: number;
  maxTokens: number;
}

export type PlannedTable = Omit<Discovery, "adoptions"> & {
  /** With its indexes and what is stored out of line. */
  bytes: number;
  adoptions: PlannedAdoption[];
};

export type PlannedAdoption = Discovery["adoptions"][number] & {
  /** Null if the table cannot be read, or if enough larger ones were estimated. */
  estimate: AdoptionEstimate | null;
};

export type PlannedSpeed =
  | { measured: MeasuredRate & { device: string }; unknown: null }
  | { measured: null /** Why the model could not be run. */; unknown: string };

export interface PlannedCommand {
  command: string;
  /** What it does, in one sentence. */
  does: string;
}
