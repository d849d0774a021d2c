import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { AdoptedSource } from "../schema/corpus.ts";
import { adoptedKeys, keyIndexStatement } from "./adopted-relation.ts";

/** Rows per statement, which then takes about a second. */
const numberedTogether = 50_000;

/**
 * Gives a number to every row of an adopted table that has none, in the order of its key. Rows that are inserted behind it
 * meanwhile are left to the triggers or to the comparison of everything.
 */
export async function numberRows(database: Database, chunking: string, source: AdoptedSource): Promise<void> {
  for (let after: string | undefined; ; ) {
    const { rows } = await numberBlock(database, chunking, source, { after, limit: numberedTogether });
    const last = rows[0]?.last ?? undefined;
    if (last === undefined) break;
    after = last;
  }
  const index = keyIndexStatement(chunking, source);
  if (index !== undefined) await database.execute(sql.raw(index));
  // Otherwise the planner takes the table for empty until autovacuum comes.
  await database.execute(sql`analyze reembed.chunk_keys`);
}

/** Numbers the next rows after a key. Returns the last key that was looked at, null if there was none, and how many were new. */
export async function numberBlock(
  database: Database,
  chunking: string,
  source: AdoptedSource,
  { after, limit }: { after: string | undefined; limit: number },
) {
  return await database.execute<{ last: string | null; numbered: string }>(sql`
    with block as materialized (
      select r.key, row_number() over (order by ${columns(source)}) as place
      from ${sql.raw(adoptedKeys(source) ?? "")} r
      ${after === undefined ? sql`` : sql`where ${isAfter(source, after)}`}
      order by ${columns(source)} limit ${limit}
    ), numbered as (
      insert into reembed.chunk_keys (chunking, key)
      select ${chunking}, b.key from block b
      where not exists (select from reembed.chunk_keys k where k.chunking = ${chunking} and k.key = b.key)
      order by b.place on conflict do nothing returning key
    )
    select (select key from block order by place desc limit 1) as last, (select count(*) from numbered) as numbered`);
}

function columns({ id }: AdoptedSource): SQL {
  return sql.raw(id.map((_, index) => `r.key_${index + 1}`).join(", "));
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
