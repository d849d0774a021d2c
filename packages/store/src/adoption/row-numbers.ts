import { type SQL, sql } from "drizzle-orm";
import { lockChanges } from "../changes/change-log.ts";
import type { Database } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { adoptedKeys, keyIndexStatement } from "./adopted-relation.ts";

/** Rows per statement, which then takes about a second. */
const numberedTogether = 50_000;

/**
 * Gives a number to every row of an adopted table that has none, in the order of its key, which is the order of our indexes
 * too: in the order in which rows are stored it took 1.4 times as long. Rows that are inserted behind it meanwhile are left to the
 * triggers or to a comparison.
 * @param alone Whether nobody else numbers rows of this table meanwhile.
 */
export async function numberRows(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { alone }: { alone: boolean },
): Promise<void> {
  const { rows } = await database.execute(sql`select from reembed.chunk_keys where chunking = ${chunking} limit 1`);
  const areNew = alone && rows.length === 0;
  for (let after: string | undefined; ; ) {
    const last = await numberBlock(database, chunking, source, { after, limit: numberedTogether, areNew });
    if (last === null) break;
    after = last;
  }
  const index = keyIndexStatement(chunking, source);
  if (index !== undefined) await database.execute(sql.raw(index));
  // Otherwise the planner takes the table for empty until autovacuum comes.
  await database.execute(sql`analyze reembed.chunk_keys`);
}

/**
 * Numbers those of the next rows after a key that have no number. Returns the last key that was looked at, null if there was
 * none.
 * @param areNew Whether none of them can have a number: looking for it takes as long as storing it.
 */
export async function numberBlock(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { after, limit, areNew = false }: { after: string | undefined; limit: number; areNew?: boolean },
): Promise<string | null> {
  const unnumbered = sql`
    where not exists (select from reembed.chunk_keys k where k.chunking = ${chunking} and k.key = r.key)
    on conflict do nothing`;
  const { rows } = await database.execute<{ last: string | null }>(sql`
    with block as materialized (
      select r.* from ${sql.raw(adoptedKeys(source) ?? "")} r
      ${after === undefined ? sql`` : sql`where ${isAfter(source, after)}`}
      order by ${columns(source)} limit ${limit}
    ), numbered as (
      insert into reembed.chunk_keys (chunking, key) select ${chunking}, r.key from block r ${areNew ? sql`` : unnumbered}
    )
    select r.key as last from block r order by ${columns(source, "desc")} limit 1`);
  return rows[0]?.last ?? null;
}

/**
 * Compares the numbers with the rows, after triggers record what is written: a row without a number is logged by its key, and
 * a number without a row as a chunk that is gone. This replaces the comparison of everything that a row of the log asks for,
 * because nothing but numbers is stored of a table that was just adopted.
 * @param everything The id of that row of the log.
 */
export async function logUnnumbered(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  everything: number,
): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`set local row_security = off`);
    await lockChanges(transaction, "shared");
    await transaction.execute(sql`
      with different as (
        select k.id, r.key from (select id, key from reembed.chunk_keys where chunking = ${chunking}) k
        full join ${sql.raw(adoptedKeys(source) ?? "")} r on r.key = k.key where k.id is null or r.key is null
      ), logged as (
        insert into reembed.change_log (chunking, chunk_id, key) select ${chunking}, id, key from different
      )
      delete from reembed.change_log where id = ${everything}`);
  });
}

function columns({ id }: AdoptedSource, direction: "asc" | "desc" = "asc"): SQL {
  return sql.raw(id.map((_, index) => `r.key_${index + 1}${direction === "asc" ? "" : " desc"}`).join(", "));
}

/** By the columns themselves, in the order of their index. */
function isAfter(source: AdoptedSource, after: string): SQL {
  const parts = source.idTypes.map((type, index) => {
    const text =
      source.idTypes.length === 1 ? sql`${after}::text` : sql`(${after}::text[])[${sql.raw(`${index + 1}`)}]`;
    return sql`${text}::${sql.raw(type)}`;
  });
  return sql`(${columns(source)}) > (${sql.join(parts, sql`, `)})`;
}
