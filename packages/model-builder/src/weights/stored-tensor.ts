import { type FloatFormat, floatSizeBytes } from "./float-format.ts";
import type { WeightFile } from "./weight-file.ts";

/** A tensor in its file, or a view of one: nothing is read until its rows are requested. */
export interface StoredTensor {
  readonly dims: readonly number[];
  /** Reads rows [start, end) of the first dimension as float32, into a new array. */
  readRows(start: number, end: number): Promise<Float32Array>;
}

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

export function inFile(
  file: WeightFile,
  format: FloatFormat,
  dims: readonly number[],
  positionBytes: number,
): StoredTensor {
  const width = elementsOf(dims.slice(1));
  return {
    dims,
    readRows: (start, end) =>
      file.readFloats(format, positionBytes + start * width * floatSizeBytes(format), (end - start) * width),
  };
}

export function inMemory(values: Float32Array, dims: readonly number[]): StoredTensor {
  const width = elementsOf(dims.slice(1));
  return { dims, readRows: async (start, end) => values.slice(start * width, end * width) };
}

/** Rows [first, last) of a tensor. */
export function rowsOf(tensor: StoredTensor, first: number, last: number): StoredTensor {
  return {
    dims: [last - first, ...tensor.dims.slice(1)],
    readRows: (start, end) => tensor.readRows(first + start, first + end),
  };
}

/** Columns [first, last) of a matrix. Reads whole rows. */
export function columnsOf(matrix: StoredTensor, first: number, last: number): StoredTensor {
  const [rows = 0, columns = 0] = matrix.dims;
  const width = last - first;
  return {
    dims: [rows, width],
    async readRows(start, end) {
      const values = await matrix.readRows(start, end);
      const part = new Float32Array((end - start) * width);
      for (let row = 0; row < end - start; row++) {
        part.set(values.subarray(row * columns + first, row * columns + last), row * width);
      }
      return part;
    },
  };
}

const blockElements = 1 << 20;

/** The transpose of a matrix. Reads the whole matrix, 4 MB at a time, even if only a few rows are requested. */
export function transposeOf(matrix: StoredTensor): StoredTensor {
  const [rows = 0, columns = 0] = matrix.dims;
  const block = Math.max(1, Math.floor(blockElements / columns));
  return {
    dims: [columns, rows],
    async readRows(start, end) {
      const values = new Float32Array((end - start) * rows);
      for (let row = 0; row < rows; row += block) {
        const last = Math.min(row + block, rows);
        transposeBlock(await matrix.readRows(row, last), columns, values, { row, rows, start, end });
      }
      return values;
    },
  };
}

function transposeBlock(
  source: Float32Array,
  columns: number,
  target: Float32Array,
  { row, rows, start, end }: { row: number; rows: number; start: number; end: number },
): void {
  const height = source.length / columns;
  // Eight rows at a time: their cache lines stay in the cache until all of their columns have been used.
  for (let top = 0; top < height; top += 8) {
    const bottom = Math.min(top + 8, height);
    for (let column = start; column < end; column++) {
      const to = (column - start) * rows + row;
      for (let from = top; from < bottom; from++) target[to + from] = source[from * columns + column] ?? 0;
    }
  }
}
