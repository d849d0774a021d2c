import type { GraphBuilder } from "../graph-builder.ts";

/** A linear layer: its weight matrix, row-major [inputs, outputs], and its bias. */
interface Linear {
  name: string;
  inputs: number;
  outputs: number;
  weight: Float32Array;
  /** If undefined, no bias is added. */
  bias?: Float32Array | undefined;
}

/** The known range of values: GELU never returns less than -0.16997, its value at -0.7518. */
export type ValueRange = "any" | "gelu";

/** The left factor of matrix products. It is made once and used with several matrices. */
export interface Operand {
  values: string;
  /** A factor per row, by which the product must be multiplied. */
  scale?: string;
  range: ValueRange;
}

/** How the linear layers and the embedding tables of an encoder are stored and computed. */
export interface Arithmetic {
  /** Element type between the linear layers. */
  readonly elementType: "float32" | "float16";
  /** Prepares values, in rows of `width`, for products. */
  operand(graph: GraphBuilder, values: string, range: ValueRange, width: number): Operand;
  /** Adds the operators of values · weight + bias. */
  product(graph: GraphBuilder, operand: Operand, linear: Linear): Promise<string>;
  /** Adds the operators that look up rows by token id. */
  lookup(graph: GraphBuilder, table: Table, ids: string): Promise<string>;
}

/** A table of embeddings. It may be too large to be kept in memory. */
export interface Table {
  name: string;
  rows: number;
  columns: number;
  /** Rows [start, end). */
  read(start: number, end: number): Promise<Float32Array>;
}

const blockValues = 4 << 20;

/** The rows of a table in blocks of 16 MB. */
export async function* blocksOf(table: Table): AsyncGenerator<Float32Array> {
  const step = Math.max(1, Math.floor(blockValues / table.columns));
  for (let start = 0; start < table.rows; start += step) {
    yield await table.read(start, Math.min(table.rows, start + step));
  }
}
