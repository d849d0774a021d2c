import { type SQL, sql } from "drizzle-orm";

/**
 * An application's vector, or its first dimensions if the rest is zero, as where shorter vectors are padded; null if it has
 * none of this length.
 * @param embedding An SQL expression with a `vector` or a `halfvec`.
 */
export function leading(embedding: string, dimensions: number): SQL {
  const vector = `(${embedding})::vector`;
  return sql.raw(`case
    when vector_dims(${vector}) = ${dimensions} then ${vector}
    when vector_dims(${vector}) > ${dimensions} then case
      when vector_norm(subvector(${vector}, ${dimensions + 1}, vector_dims(${vector}) - ${dimensions})) = 0
        then subvector(${vector}, 1, ${dimensions}) end
    end`);
}
