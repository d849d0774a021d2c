import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { repeatOnConflict } from "../database/repeat-on-conflict.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/** Blocks per tick. Each takes some milliseconds. */
const recountedAtOnce = 64;

/**
 * Stores the counts of blocks in which chunks or vectors were added or removed since they were counted. Without it all
 * counts are right as well, but take longer and longer.
 */
export async function recountBlocks(database: Database): Promise<void> {
  await repeatOnConflict(() => database.execute(sql`select reembed.recount_blocks(${recountedAtOnce})`));
}

type Counted = Pick<RegisteredProfile, "name" | "chunking" | "relation">;

/** How many chunks a profile has: what is stored, and each block anew whose number may be old. */
export function chunkCount({ chunking }: Counted): SQL {
  return sql`reembed.count_rows('chunks', ${chunking})`;
}

/** How many vectors a profile has, those of an older text and those without a chunk among them. */
export function vectorCount({ name }: Counted): SQL {
  return sql`reembed.count_rows('vectors', ${name})`;
}

/** The same without what is stored: a million chunks take 56 ms, a million vectors 76 ms. */
export function allChunks({ relation }: Counted): SQL {
  return sql`(select count(*) from ${sql.raw(relation)} c)`;
}

export function allVectors({ name }: Counted): SQL {
  return sql`(select count(*) from ${sql.raw(embeddingsPartition(name))} v)`;
}

/** By how much stored counts exceed what is there; negative if they are less. */
export interface Miscount {
  chunks: number;
  vectors: number;
}

/**
 * Counts everything and has stored counts that were wrong counted anew: rows may come and go without their triggers, as
 * when a partition is restored or exchanged. Undefined if they are right.
 */
export async function findMiscount(database: Database, profile: RegisteredProfile): Promise<Miscount | undefined> {
  const { rows } = await database.execute<Record<"chunks" | "vectors", string>>(sql`
    select ${chunkCount(profile)} - ${allChunks(profile)} as chunks,
      ${vectorCount(profile)} - ${allVectors(profile)} as vectors`);
  const miscount = { chunks: Number(rows[0]?.chunks), vectors: Number(rows[0]?.vectors) };
  if (miscount.chunks === 0 && miscount.vectors === 0) return undefined;
  await markAll(database, profile);
  return miscount;
}

/** Has everything of a profile counted anew. */
export async function markAll(database: Database, { name, chunking }: Counted): Promise<void> {
  await database.execute(sql`
    insert into reembed.count_marks (kind, name) values ('chunks', ${chunking}), ('vectors', ${name})`);
}
