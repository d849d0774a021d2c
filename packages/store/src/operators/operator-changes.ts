import { desc, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { operatorChanges } from "../schema/operators.ts";

/** A change that a person made: who, when, of what, from where to where, and why. */
export type OperatorChange = typeof operatorChanges.$inferSelect;

/** Who decides a change, and why: written down with it. */
export interface Decision {
  by: string;
  /** The role and how it was known, such as `operator by token`; undefined on the command line. */
  as?: string | undefined;
  reason: string;
}

export interface Change {
  /** What it is of, such as `BATCH_SIZE` or `backfill of bge-m3`. */
  subject: string;
  /** By default the value that the subject's last change has left. */
  fromValue?: string | null;
  toValue: string | null;
}

/** Records a change with who decided it, and why. */
export async function recordChange(
  database: Queryable,
  { subject, fromValue, toValue }: Change,
  { by, as, reason }: Decision,
): Promise<void> {
  const from = fromValue === undefined ? lastValue(subject) : sql`${fromValue}::text`;
  await database.execute(sql`
    insert into reembed.operator_changes (changed_by, changed_as, subject, from_value, to_value, reason)
    values (${by}, ${as ?? null}, ${subject}, ${from}, ${toValue}, ${reason})`);
}

function lastValue(subject: string) {
  return sql`(select to_value from reembed.operator_changes where subject = ${subject} order by id desc limit 1)`;
}

/** The last changes, newest first. */
export async function readOperatorChanges(database: Queryable, limit: number): Promise<OperatorChange[]> {
  return await database.select().from(operatorChanges).orderBy(desc(operatorChanges.id)).limit(limit);
}

/** The last change of each of these subjects that has a value; empty before `reembed init`. */
export async function readSetValues(database: Queryable, subjects: readonly string[]): Promise<OperatorChange[]> {
  const { rows } = await database.execute<{ there: boolean }>(
    sql`select to_regclass('reembed.operator_changes') is not null as there`,
  );
  if (!rows[0]?.there) return [];
  return await database
    .select()
    .from(operatorChanges)
    .where(
      sql`${operatorChanges.toValue} is not null and ${operatorChanges.id} in (
        select max(id) from reembed.operator_changes where subject = any(${sql.param(subjects)}::text[]) group by subject)`,
    );
}
