import type { EncoderWeights } from "../weights/encoder-weights.ts";
import type { Table } from "./arithmetic/arithmetic.ts";
import type { EncoderShape } from "./encoder-shape.ts";

/** One row per position of a text: the embedding of the position plus that of the first token type, if there are types. */
export async function positionTable(weights: EncoderWeights, shape: EncoderShape): Promise<Table> {
  const { positions, positionOffset, hidden, tokenTypes } = shape;
  const name = "embeddings.position_embeddings.weight";
  const tensor = weights.tensor(name, [positions + positionOffset, hidden]);
  const types = "embeddings.token_type_embeddings.weight";
  const type = tokenTypes === 0 ? [] : await weights.tensor(types, [tokenTypes, hidden]).readRows(0, 1);
  const read = async (start: number, end: number) => {
    const rows = await tensor.readRows(start + positionOffset, end + positionOffset);
    return rows.map((value, index) => value + (type[index % hidden] ?? 0));
  };
  return { name, rows: positions, columns: hidden, read };
}
