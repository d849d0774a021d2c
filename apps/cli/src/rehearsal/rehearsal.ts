import type { MigrationReport } from "@reembed/migration/report";

/** The output of `reembed rehearse --json`: a migration of a sample, and what it foretells of the whole. */
export interface Rehearsal {
  /** The table that the rows were copied from. */
  table: string;
  rows: number;
  /** The share of documents that was copied, with all their rows. */
  share: number;
  steps: RehearsedStep[];
  whole: Foretold;
  /** What `reembed report` said at the end, before everything was removed. */
  report: MigrationReport;
}

export interface RehearsedStep {
  name: string;
  says: string;
  /** What an operator would have been stopped by, or should look at; null if nothing. */
  concern: string | null;
  seconds: number;
}

/** The sample's figures divided by its share. */
export interface Foretold {
  chunks: number;
  tokens: number;
  /** The candidate's vectors with their index. */
  vectorBytes: number;
  /** With one worker like this process. */
  seconds: number;
  /** Null without a price. */
  cost: number | null;
}
