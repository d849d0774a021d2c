import { messageOf } from "@reembed/core";
import { sql } from "drizzle-orm";
import { blamesRow } from "../changes/failing-rows.ts";
import type { Database } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";

/** Something that keeps a table from being adopted, and what to write or to do instead. */
export interface Objection {
  says: string;
  remedy: string;
}

/** Rows that are evaluated one by one, and the share of failing ones from which on the expression is to blame. */
const sampled = { rows: 1_000, share: 0.1 };

/**
 * Evaluates expressions on every row. Where one fails on a few, these rows will be put in quarantine. Where the condition
 * fails, nobody can tell whether the row belongs to the corpus.
 */
export async function judgeRows(database: Database, { table, where, ...parts }: AdoptedSource): Promise<Objection[]> {
  const { content, position, document, title, language, metadata } = parts;
  const expressions = Object.entries({ where, content, position, document, title, language, metadata });
  const objections: Objection[] = [];
  for (const [part, expression] of expressions) {
    if (expression === undefined || /^"?\w+"?$/.test(expression)) continue;
    const value = `(${expression})${part === "position" ? "::bigint" : ""}::text`;
    const condition = part === "where" || where === undefined ? "true" : `(${where})`;
    try {
      await database.execute(sql`select count(${sql.raw(value)}) from ${sql.raw(table)} where ${sql.raw(condition)}`);
    } catch (error) {
      const canQuarantine = part !== "where" && blamesRow(error);
      if (canQuarantine && (await failingShare(database, { table, value, condition })) < sampled.share) continue;
      objections.push({
        says: `--${part} ${expression} fails on a row of ${table}: ${messageOf(error)}.`,
        remedy: `Correct the row, or write ${part === "where" ? "a condition" : "an expression"} that is null there.`,
      });
      // The others are read with the condition.
      if (part === "where") break;
    }
  }
  return objections;
}

/** Of a random sample of rows. */
async function failingShare(
  database: Database,
  { table, value, condition }: { table: string; value: string; condition: string },
): Promise<number> {
  const statement = `select count(${value}) from ${table}`.replaceAll("%", "%%");
  const { rows } = await database.execute<{ share: number | null }>(sql`
    select avg((reembed.row_error(format(${`${statement} where tableoid = %s and ctid = %L`}::text, tableoid, ctid))
      is not null)::int)::float8 as share
    from (select tableoid, ctid from ${sql.raw(table)} where ${sql.raw(condition)} order by random() limit ${sampled.rows}) drawn`);
  return rows[0]?.share ?? 0;
}
