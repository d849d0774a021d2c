import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";

/** When a migration's first steps were taken, as far as the database knows. */
export interface Milestones {
  /** The baseline had its chunks. */
  corpus: Date | null;
  /** The candidate's first vector, or the oldest minute of work that is still kept. */
  firstVector: Date | null;
  /** The candidate's backfill was complete for the first time. */
  backfilled: Date | null;
}

export async function readMilestones(
  database: Queryable,
  { baseline, candidate }: { baseline: string; candidate: string },
): Promise<Milestones> {
  const { rows } = await database.execute<Record<"corpus" | "first" | "backfilled", string | null>>(sql`
    select extract(epoch from (select created_at from reembed.profiles where name = ${baseline})) * 1000 as corpus,
      extract(epoch from (select min(minute) from reembed.throughput where profile = ${candidate})) * 1000 as first,
      extract(epoch from (select completed_at from reembed.profiles where name = ${candidate})) * 1000 as backfilled`);
  const date = (value: string | null | undefined) => (value == null ? null : new Date(Number(value)));
  const [row] = rows;
  return { corpus: date(row?.corpus), firstVector: date(row?.first), backfilled: date(row?.backfilled) };
}
