import { type SQL, sql } from "drizzle-orm";
import { decodeHalfvec } from "../database/binary-values.ts";
import type { Database } from "../database/database.ts";
import { oidOf } from "../database/quoted.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";

/** A stored vector with the text whose hash it has. */
export interface VectorOfText {
  chunkId: number;
  content: string;
  vector: Float32Array;
  /** Whether another program made it. */
  adopted: boolean;
}

/** Blocks that are read for each vector of a sample, so that hardly two of them are neighbours. */
const blocksPerVector = 4;
/** However large the sample is: the places of these are sorted in memory. */
const mostBlocks = 8_000;
/** Rows that a block of 8 KiB has at most (MaxHeapTuplesPerPage of PostgreSQL). */
const placesPerBlock = 291;

/**
 * Ids of `size` random vectors, each as likely as any other, whatever gaps there are between ids: all rows of random blocks
 * are drawn from. Only these blocks are read, unless hardly anything is left in them.
 */
export async function sampleVectorIds(database: Database, profile: RegisteredProfile, size: number): Promise<number[]> {
  const partition = sql.raw(embeddingsPartition(profile.name));
  const drawn = Math.min(blocksPerVector * size, mostBlocks);
  const { rows: sizes } = await database.execute<{ blocks: string }>(sql`
    select pg_relation_size(${oidOf(embeddingsPartition(profile.name))}) / current_setting('block_size')::int as blocks`);
  const blocks = Number(sizes[0]?.blocks);
  const draw = async (where: SQL) => {
    const { rows } = await database.execute<{ chunk_id: string }>(
      sql`select chunk_id from ${partition} ${where} order by random() limit ${size}`,
    );
    return rows.map((row) => Number(row.chunk_id));
  };
  if (blocks <= drawn) return await draw(sql``);
  const found = await draw(sql`where ctid = any(array(
    select format('(%s,%s)', block, place)::tid
    from (select distinct floor(random() * ${blocks}::int)::int as block from generate_series(1, ${drawn}::int)) blocks,
      generate_series(1, ${placesPerBlock}::int) place))`);
  return found.length < size ? await draw(sql``) : found;
}

/** Ids of the first chunks with a vector that a worker made. Reads a few entries of an index, in a table of any size. */
export async function readFirstOwnIds(
  database: Database,
  profile: RegisteredProfile,
  limit: number,
): Promise<number[]> {
  const { rows } = await database.execute<{ chunk_id: string }>(sql`
    select chunk_id from ${sql.raw(embeddingsPartition(profile.name))}
    where token_count is not null order by chunk_id limit ${limit}`);
  return rows.map((row) => Number(row.chunk_id));
}

/** The vectors of these chunks; those whose text has changed since are left out. */
export async function readVectors(
  database: Database,
  profile: RegisteredProfile,
  chunkIds: readonly number[],
): Promise<VectorOfText[]> {
  return await selectVectors(database, profile, sql`c.id = any(${sql.param(chunkIds)}::bigint[])`, chunkIds.length);
}

/** The next vectors after a chunk, in the order of ids; empty at the end. */
export async function readVectorsAfter(
  database: Database,
  profile: RegisteredProfile,
  after: number,
  limit: number,
): Promise<VectorOfText[]> {
  return await selectVectors(database, profile, sql`c.id > ${after}::bigint`, limit);
}

async function selectVectors(
  database: Database,
  profile: RegisteredProfile,
  condition: SQL,
  limit: number,
): Promise<VectorOfText[]> {
  const { rows } = await database.execute<{ id: string; content: string; vector: Buffer; adopted: boolean }>(sql`
    select c.id, c.content, halfvec_send(e.embedding) as vector, e.token_count is null as adopted
    from ${sql.raw(profile.relation)} c
    join reembed.chunk_embeddings e on e.profile = ${profile.name} and e.chunk_id = c.id
    where ${condition} and e.content_hash = sha256(convert_to(c.content, 'UTF8'))
    order by c.id limit ${limit}`);
  return rows.map(({ id, vector, ...row }) => ({ ...row, chunkId: Number(id), vector: decodeHalfvec(vector) }));
}
