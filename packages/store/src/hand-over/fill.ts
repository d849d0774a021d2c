import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { rowToChunk } from "../exposure/row-to-chunk.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import type { HandOverPlan } from "./plan.ts";

/** The result of filling a block of rows. */
export interface FilledBlock {
  /** The last chunk of the block. */
  last: number;
  written: number;
  /** Rows that somebody else has locked, and rows whose text has no vector yet: another round takes them. */
  left: number;
}

/**
 * Writes the vectors of the next block into the new column, in one short transaction. Nobody waits for it: rows that are
 * locked are left out, so it never waits while it holds a lock and cannot be part of a deadlock. When it has the locks, a
 * second statement compares the hash of the row's present text, which nobody can change any more, with that of the vector.
 * A row that has its vector is not written again, so it can be repeated and goes on where it was stopped.
 * @returns Undefined after the last block.
 */
export async function fillBlock(
  database: Database,
  { profile, newColumn, expression }: HandOverPlan,
  { after, limit }: { after: number | null; limit: number },
): Promise<FilledBlock | undefined> {
  const { join } = rowToChunk(profile.source, profile);
  const partition = embeddingsPartition(profile.name);
  const column = sql.raw(`t.${newColumn}`);
  const vector = sql.raw(expression);
  return await database.transaction(
    async (transaction) => {
      const { rows: block } = await transaction.execute<{ id: string }>(sql`
        select chunk_id as id from ${sql.raw(partition)} where ${after === null ? sql`true` : sql`chunk_id > ${after}`}
        order by chunk_id limit ${limit}`);
      const last = block.at(-1);
      if (last === undefined) return undefined;
      const ids = sql.param(block.map(({ id }) => id));
      const from = sql`${sql.raw(`${partition} e ${join}`)} where e.chunk_id = any(${ids}::bigint[])
        and ${column} is distinct from ${vector}`;
      const { rows: locked } = await transaction.execute<{ id: string }>(
        sql`select e.chunk_id as id from ${from} for no key update of t skip locked`,
      );
      const { rows: outstanding } = await transaction.execute<{ count: number }>(
        sql`select count(*)::int as count from ${from}`,
      );
      const { rowCount } = await transaction.execute(sql`
        update ${sql.raw(profile.source.table)} written set ${sql.raw(newColumn)} = f.vector
        from (
          select t.tableoid as of, t.ctid as place, ${vector} as vector from ${sql.raw(`${partition} e ${join}`)}
          join ${sql.raw(profile.relation)} c on c.id = e.chunk_id
          where e.chunk_id = any(${sql.param(locked.map(({ id }) => id))}::bigint[])
            and sha256(convert_to(c.content, 'UTF8')) = e.content_hash
        ) f where written.tableoid = f.of and written.ctid = f.place`);
      const written = rowCount ?? 0;
      return { last: Number(last.id), written, left: Math.max(0, (outstanding[0]?.count ?? 0) - written) };
    },
    { isolationLevel: "read committed" },
  );
}

/** The rows of the table, and those without a new vector. */
export async function countUnfilled(
  database: Database,
  { profile, newColumn }: HandOverPlan,
): Promise<{ all: number; missing: number }> {
  const { rows } = await database.execute<{ all: string; filled: string }>(
    sql`select count(*) as all, count(${sql.raw(newColumn)}) as filled from ${sql.raw(profile.source.table)}`,
  );
  const all = Number(rows[0]?.all);
  return { all, missing: all - Number(rows[0]?.filled) };
}

/** Fills what has no vector with zeros, which no search by cosine finds, because the column must not be null. */
export async function fillWithZeros(database: Database, plan: HandOverPlan, limit: number): Promise<number> {
  const { profile, newColumn, table, type, length } = plan;
  const zeros = sql.raw(`array_fill(0::real, array[${length}])::${table.vectorSchema}.vector::${type}`);
  const { rowCount } = await database.execute(sql`
    with empty as materialized (
      select tableoid as of, ctid as place from ${sql.raw(profile.source.table)} where ${sql.raw(newColumn)} is null
      limit ${limit} for no key update skip locked
    )
    update ${sql.raw(profile.source.table)} written set ${sql.raw(newColumn)} = ${zeros}
    from empty where written.tableoid = empty.of and written.ctid = empty.place`);
  return rowCount ?? 0;
}
