import { keyText, sameKey } from "../adoption/adopted-relation.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { AdoptedSource } from "../schema/corpus.ts";

/** How a row of the application's table, under the alias `t`, is found from a vector of ours, under the alias `e`. */
export interface RowToChunk {
  /** A join of `t` to a from clause that begins with `e`. */
  join: string;
  /** The id of the chunk that a row is, over the columns of `row`, which may be a trigger's record. */
  chunkId: (row: string) => string;
  /** What the application's role must be allowed to read for the join, besides its own table and the vectors. */
  reads: readonly { relation: string; columns: readonly string[] }[];
}

/**
 * The one place that knows how the rows that are seen through a view and chunks belong together: the id of a chunk is the
 * value of its row's id column, or the number of the row's key.
 */
export function rowToChunk(source: AdoptedSource, { chunking }: Pick<RegisteredProfile, "chunking">): RowToChunk {
  if (!source.numbered) {
    const chunkId = (row: string) => `${row}.${source.id}`;
    return { join: `join ${source.table} t on ${chunkId("t")} = e.chunk_id`, chunkId, reads: [] };
  }
  const keys = "reembed.chunk_keys";
  const same = sameKey(
    source,
    source.id.map((column) => `t.${column}`),
    keyText(source, "t"),
  );
  const chunkId = (row: string) =>
    `(select k.id from ${keys} k where k.chunking = '${chunking}' and k.key = ${keyText(source, row)})`;
  return {
    join: `join ${keys} k on k.chunking = '${chunking}' and k.id = e.chunk_id join ${source.table} t on ${same}`,
    chunkId,
    reads: [{ relation: keys, columns: ["chunking", "id", "key"] }],
  };
}
