import { type SQL, sql } from "drizzle-orm";
import { lockChanges } from "../changes/change-log.ts";
import type { Database } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { adoptedKeys, keyIndexStatement } from "./adopted-relation.ts";

/** Rows per statement, which then takes about a second. */
const numberedTogether = 50_000;
/** Pages per statement: about two million rows, in some ten seconds. */
const pagesTogether = 50_000;

/**
 * Gives a number to every row of an adopted table that has none. Rows that are inserted behind it meanwhile are left to the
 * triggers or to a comparison. Uuids are numbered in the order in which rows are stored, because whoever reads rows in the
 * order of their numbers would otherwise read the table at random; every other key in its own order, which may be that of
 * the chunks in their document.
 * @param alone Whether nobody else numbers rows of this table meanwhile.
 * @returns The oldest transaction that may have written a row that was not seen.
 */
export async function numberRows(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { alone }: { alone: boolean },
): Promise<string> {
  const { rows } = await database.execute<{ since: string; numbered: boolean; pages: number | null }>(sql`
    select pg_snapshot_xmin(pg_current_snapshot())::xid::text as since,
      exists (select from reembed.chunk_keys where chunking = ${chunking}) as numbered,
      (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages
    from (select) one left join pg_class c on c.oid = to_regclass(${source.table}) and ${isWhole("c.oid")}`);
  const { since = "", numbered = true, pages = null } = rows[0] ?? {};
  const areNew = alone && !numbered;
  if (pages !== null && source.idTypes.join() === "uuid") {
    await numberAsStored(database, chunking, source, { pages, areNew });
  } else {
    for (let after: string | undefined; ; ) {
      const last = await numberBlock(database, chunking, source, { after, limit: numberedTogether, areNew });
      if (last === null) break;
      after = last;
    }
  }
  const index = keyIndexStatement(chunking, source);
  if (index !== undefined) await database.execute(sql.raw(index));
  // Otherwise the planner takes the table for empty until autovacuum comes.
  await database.execute(sql`analyze reembed.chunk_keys`);
  return since;
}

/**
 * Within a statement numbers are stored by their keys, which are appended to their index instead of spread over it. Only a
 * row that moves between two statements is seen twice: to expect that doubles the time of a statement.
 */
async function numberAsStored(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { pages, areNew }: { pages: number; areNew: boolean },
): Promise<void> {
  const keys = sql.raw(adoptedKeys(source, ["ctid"]) ?? "");
  for (let page = 0; page < pages; page += pagesTogether) {
    const within = sql.raw(`r.ctid >= '(${page},0)' and r.ctid < '(${page + pagesTogether},0)'`);
    const mayBeKnown = !areNew || page > 0;
    await database.transaction(async (transaction) => {
      await transaction.execute(sql`set local work_mem = '128MB'`);
      await transaction.execute(sql`
        insert into reembed.chunk_keys (chunking, id, key)
        select ${chunking}, id, key from (
          select nextval('reembed.chunk_keys_id_seq'::regclass) as id, r.key, r.key_1 from ${keys} r
          where ${within} ${mayBeKnown ? sql`and ${isUnnumbered(chunking)}` : sql``} offset 0
        ) numbered order by key_1 ${mayBeKnown ? sql`on conflict (chunking, key) do nothing` : sql``}`);
    });
  }
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
  const unnumbered = sql`where ${isUnnumbered(chunking)} on conflict do nothing`;
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
 *
 * A row that was written before the numbering has a number. So if the others are as many as there are rows more than numbers,
 * every number has its row, and only these are logged: counting takes a tenth of the time of a comparison by keys.
 * @param everything The id of that row of the log.
 * @param since The oldest transaction that the numbering may not have seen.
 */
export async function logUnnumbered(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { everything, since }: { everything: number; since: string },
): Promise<void> {
  const isDone = sql`delete from reembed.change_log where id = ${everything}`;
  const numbers = sql`(select id, key from reembed.chunk_keys where chunking = ${chunking})`;
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`set local row_security = off`);
    await lockChanges(transaction, "shared");
    const { rows } = await transaction.execute(sql`
      with recent as materialized (
        select r.key from ${sql.raw(adoptedKeys(source, ["xmin"]) ?? "")} r
        where age(r.xmin) <= age(${since}::xid) and ${isUnnumbered(chunking)}
      ), complete as materialized (
        select from pg_class c where c.oid = to_regclass(${source.table}) and ${isWhole("c.oid")}
          and (select count(*) from ${sql.raw(adoptedKeys(source) ?? "")} r)
            = (select count(*) from ${numbers} k) + (select count(*) from recent)
      ), logged as (
        insert into reembed.change_log (chunking, key) select ${chunking}, key from recent where exists (select from complete)
      )
      ${isDone} and exists (select from complete) returning id`);
    if (rows.length > 0) return;
    await transaction.execute(sql`
      with different as (
        select k.id, r.key from ${numbers} k
        full join ${sql.raw(adoptedKeys(source) ?? "")} r on r.key = k.key where k.id is null or r.key is null
      ), logged as (
        insert into reembed.change_log (chunking, chunk_id, key) select ${chunking}, id, key from different
      )
      ${isDone}`);
  });
}

/** Whether a table's rows are all in its own pages: a foreign partition has none, and no transactions. */
function isWhole(oid: string): SQL {
  return sql.raw(`not exists (select from pg_inherits where inhparent = ${oid})`);
}

function isUnnumbered(chunking: string): SQL {
  return sql`not exists (select from reembed.chunk_keys k where k.chunking = ${chunking} and k.key = r.key)`;
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
