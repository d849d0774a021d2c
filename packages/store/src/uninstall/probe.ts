import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import { type Queryable, sqlState } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import { besidesColumns } from "../exposure/table-facts.ts";

/** What came of an application's statements on a table: `ok`, or PostgreSQL's code of the error. */
export type Outcome = Record<"select" | "insert" | "update" | "delete", string>;

/**
 * Runs a SELECT, an INSERT, an UPDATE and a DELETE of one row of a table, as its owner where this role may, and takes each of
 * them back. The row that is inserted is one that was deleted in the same statement. On an empty table only SELECT has an
 * effect. An error is an outcome: what the application's own constraints refuse, they refuse before and after.
 */
export async function probeTable(transaction: Queryable, table: string): Promise<Outcome> {
  const { rows } = await transaction.execute<{ owner: string | null; columns: string[] }>(sql`
    select case when pg_has_role(c.relowner, 'MEMBER') then pg_get_userbyid(c.relowner) end as owner,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '' and a.attname !~ ${besidesColumns} order by a.attnum) as columns
    from pg_class c where c.oid = to_regclass(${table})`);
  const [found] = rows;
  if (found === undefined) throw new ReembedError("table_missing", `There is no table ${table}.`);
  const columns = found.columns.map(quoted).join(", ");
  const row = `(tableoid, ctid) in (select tableoid, ctid from ${table} limit 1)`;
  const settable = found.columns.find((name) => name !== "id") ?? found.columns[0] ?? "";
  const statements: Outcome = {
    select: `select ${columns} from ${table} limit 1`,
    insert: `with gone as (delete from ${table} where ${row} returning ${columns})
      insert into ${table} (${columns}) overriding system value select ${columns} from gone`,
    update: `update ${table} set ${quoted(settable)} = ${quoted(settable)} where ${row}`,
    delete: `delete from ${table} where ${row}`,
  };
  const outcome = { ...statements };
  for (const kind of ["select", "insert", "update", "delete"] as const) {
    outcome[kind] = await attempt(transaction, found.owner, statements[kind]);
  }
  return outcome;
}

async function attempt(transaction: Queryable, owner: string | null, statement: string): Promise<string> {
  await transaction.execute(sql`savepoint probe`);
  try {
    if (owner !== null) await transaction.execute(sql.raw(`set local role ${quoted(owner)}`));
    await transaction.execute(sql.raw(statement));
    return "ok";
  } catch (error) {
    const code = sqlState(error);
    // A lock that cannot be had is no outcome: the whole transaction is tried again.
    if (code === undefined || code === "55P03") throw error;
    return code;
  } finally {
    await transaction.execute(sql`rollback to savepoint probe`);
  }
}
