import { keyText, sameColumns } from "../adoption/adopted-relation.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { AdoptedSource } from "../schema/corpus.ts";

/** How a row of the application's table, under the alias `t`, is found from a vector of ours, under the alias `e`. */
export interface RowToChunk {
  /** A join of `t` to a from clause that begins with `e`. */
  join: string;
  /** The id of the chunk that a row is, over the columns of `row`, which may be a trigger's record. */
  chunkId: (row: string) => string;
  /** Gives a row that a trigger has a number, unless it has one; null if the row's own id is the chunk's. */
  numbering: ((row: string) => string) | null;
  /** What the application's role must be allowed to read for the join, besides its own table and the vectors. */
  reads: readonly Readable[];
}

/** Columns of a relation of ours that an application's role may read. */
export interface Readable {
  relation: string;
  columns: readonly string[];
}

export const readNumbers: Readable = { relation: "reembed.chunk_keys", columns: ["chunking", "id", "key"] };

/**
 * The one place that knows how the rows that are seen through a view and chunks belong together: the id of a chunk is the
 * value of its row's id column, or the number of the row's key.
 */
export function rowToChunk(source: AdoptedSource, { chunking }: Pick<RegisteredProfile, "chunking">): RowToChunk {
  if (!source.numbered) {
    const chunkId = (row: string) => `${row}.${source.id}`;
    return { join: `join ${source.table} t on ${chunkId("t")} = e.chunk_id`, chunkId, numbering: null, reads: [] };
  }
  const keys = readNumbers.relation;
  const columns = source.id.map((column) => `t.${column}`);
  // The texts are compared too, because a citext or a number may equal another spelling. As a condition of its own this
  // would count twice, and the planner would expect one row and sort all vectors instead of using their index.
  const sameText = `case when ${keyText(source, "t")} = k.key then true else false end`;
  const same = [...sameColumns(source, columns), sameText].join(" and ");
  const chunkId = (row: string) =>
    `(select k.id from ${keys} k where k.chunking = '${chunking}' and k.key = ${keyText(source, row)})`;
  return {
    join: `join ${keys} k on k.chunking = '${chunking}' and k.id = e.chunk_id join ${source.table} t on ${same}`,
    chunkId,
    numbering: (row) =>
      `insert into ${keys} (chunking, key) values ('${chunking}', ${keyText(source, row)}) on conflict do nothing;`,
    reads: [readNumbers],
  };
}
