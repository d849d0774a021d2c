import { sql } from "drizzle-orm";
import type { VectorColumnIndex } from "../database/catalogue.ts";
import type { Database, Queryable } from "../database/database.ts";
import { applicationTable, withLockTimeout } from "../database/lock-timeout.ts";
import { quoted } from "../database/quoted.ts";
import { besides } from "../exposure/table-facts.ts";
import type { HandOverPlan } from "./plan.ts";

/** Adds the new column, which takes a lock on the table for a moment and writes no row. */
export async function addNewColumn(database: Database, { profile, newColumn, type }: HandOverPlan): Promise<void> {
  await withLockTimeout(
    database,
    async (transaction) => {
      await run(transaction, `alter table ${profile.source.table} add column if not exists ${newColumn} ${type}`);
    },
    applicationTable,
  );
}

/**
 * Builds indexes like those of the old column on the new one, without blocking anybody. One that exists and is valid stays.
 * @param session Outside a transaction and without a limit on its statements.
 * @returns The indexes that pgvector cannot build over vectors of this length.
 */
export async function buildNewIndexes(session: Database, plan: HandOverPlan): Promise<VectorColumnIndex[]> {
  const { profile, table, newColumn, length } = plan;
  const impossible: VectorColumnIndex[] = [];
  for (const index of plan.indexes) {
    const [type] = index.operatorClass.split("_");
    if (length > (type === "halfvec" ? 4_000 : 2_000)) {
      impossible.push(index);
      continue;
    }
    const name = besides(plan.schema, "new", index.name);
    const qualified = `${quoted(table.schema)}.${quoted(name)}`;
    const { rows } = await session.execute<{ valid: boolean }>(
      sql`select indisvalid as valid from pg_index where indexrelid = to_regclass(${qualified})`,
    );
    if (rows[0]?.valid === true) continue;
    await run(session, `drop index concurrently if exists ${qualified}`);
    const expression = index.isCast ? `(${newColumn}::${table.vectorSchema}.${type}(${length}))` : newColumn;
    const options = index.options.length === 0 ? "" : `with (${index.options.join(", ")})`;
    await run(
      session,
      `create index concurrently ${quoted(name)} on ${profile.source.table}
       using ${index.method} (${expression} ${index.operatorClass}) ${options}`,
    );
  }
  await run(session, `analyze ${profile.source.table}`);
  return impossible;
}

/**
 * Exchanges the names of the columns and of their indexes in one short transaction: only the catalogue is written. Statements
 * wait while it holds the lock, and it waits for the lock a tenth of a second at a time.
 * @returns The milliseconds for which it held the lock.
 */
export async function exchangeColumns(database: Database, plan: HandOverPlan): Promise<number> {
  const { profile, table, column, newColumn, oldColumn } = plan;
  const of = profile.source.table;
  return await lockedFor(database, of, async (transaction) => {
    await run(transaction, `alter table ${of} rename column ${column} to ${oldColumn}`);
    await run(transaction, `alter table ${of} rename column ${newColumn} to ${column}`);
    if (table.vector.notNull) await run(transaction, `alter table ${of} alter column ${oldColumn} drop not null`);
    await exchangeIndexNames(transaction, plan, "new", "old");
  });
}

/** The exchange in the other direction, after which the new column and its indexes are dropped. */
export async function undoExchange(database: Database, plan: HandOverPlan): Promise<number> {
  const { profile, column, newColumn, oldColumn, state } = plan;
  const of = profile.source.table;
  return await lockedFor(database, of, async (transaction) => {
    if (state === "handed-over") {
      await run(transaction, `alter table ${of} rename column ${column} to ${newColumn}`);
      await run(transaction, `alter table ${of} rename column ${oldColumn} to ${column}`);
      await exchangeIndexNames(transaction, plan, "old", "new");
    }
    await run(transaction, `alter table ${of} drop column if exists ${newColumn}`);
  });
}

/**
 * Lets the column be as little null as it was before, after every row has a vector. The constraint is checked without blocking
 * anybody, and PostgreSQL takes it for the proof that the column needs.
 */
export async function requireVectors(database: Database, { profile, column }: HandOverPlan): Promise<void> {
  const { table } = profile.source;
  const briefly = (statement: string) =>
    withLockTimeout(database, (transaction) => run(transaction, statement), applicationTable);
  await briefly(`alter table ${table} drop constraint if exists reembed_not_null`);
  await briefly(`alter table ${table} add constraint reembed_not_null check (${column} is not null) not valid`);
  await run(database, `alter table ${table} validate constraint reembed_not_null`);
  await briefly(`alter table ${table} alter column ${column} set not null, drop constraint reembed_not_null`);
}

/** An index takes the name that it has without a prefix, and the one that had it gets the other prefix. */
async function exchangeIndexNames(
  transaction: Queryable,
  { schema: installation, table, indexes }: HandOverPlan,
  from: "new" | "old",
  to: "new" | "old",
): Promise<void> {
  const schema = quoted(table.schema);
  for (const { name } of indexes) {
    const present = `${schema}.${quoted(besides(installation, from, name))}`;
    const { rows } = await transaction.execute(sql`select where to_regclass(${present}) is not null`);
    if (rows.length === 0) continue;
    await run(
      transaction,
      `alter index ${schema}.${quoted(name)} rename to ${quoted(besides(installation, to, name))}`,
    );
    await run(transaction, `alter index ${present} rename to ${quoted(name)}`);
  }
}

async function lockedFor(
  database: Database,
  table: string,
  work: (transaction: Queryable) => Promise<void>,
): Promise<number> {
  let since = 0;
  await withLockTimeout(
    database,
    async (transaction) => {
      await run(transaction, `lock table ${table} in access exclusive mode`);
      since = performance.now();
      await work(transaction);
    },
    applicationTable,
  );
  return Math.round(performance.now() - since);
}

/** Rows that were written since the exchange and have no vector of the old model. */
export async function countWithoutOld(database: Database, { profile, oldColumn }: HandOverPlan): Promise<number> {
  const { rows } = await database.execute<{ count: string }>(
    sql`select count(*) from ${sql.raw(profile.source.table)} where ${sql.raw(oldColumn)} is null`,
  );
  return Number(rows[0]?.count);
}

async function run(database: Queryable, statement: string): Promise<void> {
  await database.execute(sql.raw(statement));
}
