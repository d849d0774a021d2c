import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";

export interface SampledChunk {
  id: number;
  content: string;
}

/** If ids are at least this dense, all are sorted at random; in a sparser range single ids are looked up. */
const wholeBelow = 50;

/**
 * Up to `size` different random chunks of a profile's chunking, in the order of ids. In a large chunking random ids are looked
 * up, each of which stands for the gap before it: no table is read as a whole, and a chunk after a gap is slightly more likely
 * than others.
 */
export async function sampleChunks(
  database: Database,
  { relation }: Pick<RegisteredProfile, "relation">,
  size: number,
): Promise<SampledChunk[]> {
  const chunks = sql.raw(relation);
  const { rows } = await database.execute<{ id: string; content: string }>(sql`
    with bounds as (select min(c.id) as least, max(c.id) as most from ${chunks} c),
    chosen as (
      (select c.id from ${chunks} c, bounds where most - least < ${wholeBelow * size} order by random() limit ${size})
      union
      (select found.id from bounds
       cross join lateral (
         select least + floor(random() * (most - least + 1))::bigint as wanted
         from generate_series(1, case when most - least < ${wholeBelow * size} then 0 else ${2 * size} end)
       ) tries
       cross join lateral (select c.id from ${chunks} c where c.id >= wanted order by c.id limit 1) found
       limit ${size * 2})
    )
    select c.id, c.content from ${chunks} c
    where c.id in (select id from chosen order by random() limit ${size}) order by c.id`);
  return rows.map((row) => ({ id: Number(row.id), content: row.content }));
}
