import { type SQLWrapper, sql } from "drizzle-orm";
import { type Database, sqlState } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";

/** Rows per statement, which then takes some milliseconds if none of them fails. */
const checkedTogether = 1_000;

/** As `blames_row` in the database, which says what they are. */
const rowErrors = /^(21|22|23|38|39|P0)/;

/** Whether a statement failed because of the values of a row. */
export function blamesRow(error: unknown): boolean {
  return rowErrors.test(sqlState(error) ?? "");
}

/**
 * Does `work`. If an expression of an adopted table fails on a row, the rows on which it does are set aside: from then on
 * they are read with an empty text and are in quarantine. Then `work` is done once more.
 * @param among The rows that `work` reads; by default every row of every adopted table.
 */
export async function settingFailingRowsAside<T>(
  database: Database,
  work: () => Promise<T>,
  among?: { chunking: string; chunkIds: readonly number[] },
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!blamesRow(error)) throw error;
    const found =
      among === undefined
        ? await checkAllRows(database)
        : await checkRows(database, among.chunking, sql.param(among.chunkIds));
    if (found === 0) throw error;
    return await work();
  }
}

/**
 * Sets the rows aside on which an expression of an adopted table fails, and lets those go on that no longer fail.
 * Returns how many of both there are.
 * @throws An error with the SQLSTATE `RE001` if so many rows fail that the expression must be to blame.
 */
export async function checkAllRows(database: Database): Promise<number> {
  const { rows } = await database.execute<{ name: string; expressions: string }>(
    sql`select name, expressions from reembed.chunkings where expressions is not null`,
  );
  let found = 0;
  for (const { name, expressions } of rows) {
    const failing = await findFailing(database, expressions);
    const known = sql`select chunk_id from reembed.failing_rows where chunking = ${name}`;
    found += await checkRows(database, name, sql`array(${known} union select unnest(${sql.param(failing)}::bigint[]))`);
  }
  return found;
}

/** Reads block by block, and sets nothing aside before all are known. */
async function findFailing(database: Database, expressions: string): Promise<string[]> {
  const failing: string[] = [];
  let after: string | null = null;
  do {
    const block = await findFailingInBlock(database, expressions, after);
    failing.push(...block.failing);
    after = block.last;
  } while (after !== null);
  return failing;
}

async function findFailingInBlock(
  database: Database,
  expressions: string,
  after: string | null,
): Promise<{ last: string | null; failing: string[] }> {
  const { rows } = await database.execute<{ last: string | null; failing: string[] }>(sql`
    select max(id) as last, array(
      select f::text from reembed.find_failing(${expressions}, coalesce(array_agg(id), '{}')::bigint[]) f) as failing
    from (
      select r.id from ${sql.raw(expressions)} r
      where ${after === null ? sql`true` : sql`r.id > ${after}::bigint`} order by r.id limit ${checkedTogether}
    ) block`);
  return rows[0] ?? { last: null, failing: [] };
}

/**
 * As `checkAllRows`, for some rows of a chunking.
 * @param chunkIds SQL for an array of their ids.
 */
export async function checkRows(database: Database, chunking: string, chunkIds: SQLWrapper): Promise<number> {
  const { rows } = await repeatOnConflict(() =>
    database.execute<{ found: number }>(sql`select reembed.check_rows(${chunking}, ${chunkIds}::bigint[]) as found`),
  );
  return rows[0]?.found ?? 0;
}
