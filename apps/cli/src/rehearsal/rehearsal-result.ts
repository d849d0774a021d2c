import type { MigrationReport } from "@reembed/migration/report";

/** The output of `reembed rehearse --json`: a migration of a sample, and what that says of the whole. */
export interface Rehearsal {
  /** The table that the rows were copied from. */
  table: string;
  rows: number;
  /** The share of the table's rows that was copied. */
  share: number;
  steps: RehearsedStep[];
  whole: WholeEstimate;
  /** What the embedding servers took for the rehearsal; null without a price. */
  spent: number | null;
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
export interface WholeEstimate {
  chunks: number;
  tokens: number;
  /** The candidate's vectors with their index. */
  vectorBytes: number;
  /** With one worker like this process. */
  seconds: number;
  /** What an embedding server takes for the tokens; null without a price. */
  cost: number | null;
}
