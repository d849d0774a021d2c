import { quoted } from "../adoption/adoption.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";

/** How a row of the application's table, under the alias `t`, is found from a vector of ours, under the alias `e`. */
export interface RowToChunk {
  /** A join of `t` to a from clause that begins with `e`. */
  join: string;
  /** The id of the chunk that a row is, over the columns of `row`, which may be a trigger's record. */
  chunkId: (row: string) => string;
  /** What the application's role must be allowed to read for the join, besides its own table and the vectors. */
  reads: readonly { relation: string; columns: readonly string[] }[];
}

/** The one place that knows how rows and chunks belong together: the id of a chunk is the value of its row's id column. */
export function rowToChunk({ table, id }: ChunkSource, _profile: Pick<RegisteredProfile, "chunking">): RowToChunk {
  const chunkId = (row: string) => `${row}.${quoted(id)}`;
  return { join: `join ${table} t on ${chunkId("t")} = e.chunk_id`, chunkId, reads: [] };
}
