import type { GraphBuilder } from "../graph-builder.ts";

/** A linear layer: its weight matrix, row-major [inputs, outputs], and its bias. */
interface Linear {
  name: string;
  inputs: number;
  outputs: number;
  weight: Float32Array;
  /** Without one nothing is added. */
  bias?: Float32Array | undefined;
}

/** What is known of values: GELU gives none below -0.16997, its value at -0.7518. */
export type ValueRange = "any" | "gelu";

/** The left side of products, made once for all the matrices that it is multiplied with. */
export interface Operand {
  values: string;
  /** Of each row: what the product is to be multiplied with. */
  scale?: string;
  range: ValueRange;
}

/** How the linear layers and the tables of an encoder are stored and computed. */
export interface Arithmetic {
  /** Of everything between the linear layers. */
  readonly elementType: "float32" | "float16";
  /** Prepares values, so many in a row, for products. */
  operand(graph: GraphBuilder, values: string, range: ValueRange, width: number): Operand;
  /** Adds values · weight + bias. */
  product(graph: GraphBuilder, operand: Operand, linear: Linear): Promise<string>;
  /** Adds a lookup of rows by token ids. */
  lookup(graph: GraphBuilder, table: Table, ids: string): Promise<string>;
}

/** A table of embeddings, which may be too large to be held at once. */
export interface Table {
  name: string;
  rows: number;
  columns: number;
  /** Rows [start, end). */
  read(start: number, end: number): Promise<Float32Array>;
}

const blockValues = 4 << 20;

/** The table's rows in blocks of 16 MB. */
export async function* blocksOf(table: Table): AsyncGenerator<Float32Array> {
  const step = Math.max(1, Math.floor(blockValues / table.columns));
  for (let start = 0; start < table.rows; start += step) {
    yield await table.read(start, Math.min(table.rows, start + step));
  }
}
