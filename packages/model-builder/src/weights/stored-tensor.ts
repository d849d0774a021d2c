import { ReembedError } from "@reembed/core";
import { type FloatFormat, floatFormats, floatSizeBytes } from "./float-format.ts";
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

/** Elements that do not lie in row-major order. Strides count elements; reads everything between the first and the last. */
export function stridedInFile(
  file: WeightFile,
  format: FloatFormat,
  { dims, strides, positionBytes }: { dims: readonly number[]; strides: readonly number[]; positionBytes: number },
): StoredTensor {
  const [rowStride = 0] = strides;
  const inRow = dims
    .slice(1)
    .reduce(
      (places, dim, axis) =>
        places.flatMap((place) => Array.from({ length: dim }, (_, at) => place + at * (strides[axis + 1] ?? 0))),
      [0],
    );
  const span = inRow.reduce((most, place) => Math.max(most, place), 0) + 1;
  return {
    dims,
    async readRows(start, end) {
      const values = new Float32Array((end - start) * inRow.length);
      if (values.length === 0) return values;
      const from = positionBytes + start * rowStride * floatSizeBytes(format);
      const stored = await file.readFloats(format, from, (end - start - 1) * rowStride + span);
      for (let row = 0; row < end - start; row++) {
        const target = values.subarray(row * inRow.length, (row + 1) * inRow.length);
        for (const [column, place] of inRow.entries()) target[column] = stored[row * rowStride + place] ?? 0;
      }
      return values;
    },
  };
}

/** Integer tensors, such as position ids, are an error only if somebody reads them. */
export function unreadable(name: string, path: string, type: string, dims: readonly number[]): StoredTensor {
  return {
    dims,
    async readRows() {
      throw new ReembedError("weights_unsupported", `${name} of ${path} is stored as ${type}.`, {
        remedy: `Only ${floatFormats.join(", ")} can be read: use the model's unquantised weights.`,
      });
    },
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
