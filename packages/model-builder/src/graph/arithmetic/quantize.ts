import { blocksOf, type Table } from "./arithmetic.ts";

/** int8 values and the scale of each column or row. */
export interface Quantized {
  values: Int8Array;
  scales: Float32Array;
}

/** Quantises a matrix [rows, columns] to -steps..steps with a scale per column. It is symmetric: 0 stays 0. */
export function quantizeColumns(matrix: Float32Array, columns: number, steps: 64 | 127): Quantized {
  const most = new Float32Array(columns);
  for (let start = 0; start < matrix.length; start += columns) {
    for (let column = 0; column < columns; column++) {
      const size = Math.abs(matrix[start + column] ?? 0);
      if (size > (most[column] ?? 0)) most[column] = size;
    }
  }
  const scales = most.map((size) => size / steps || 1);
  const factors = scales.map((scale) => 1 / scale);
  const values = new Int8Array(matrix.length);
  for (let start = 0; start < matrix.length; start += columns) {
    for (let column = 0; column < columns; column++) {
      values[start + column] = Math.round((matrix[start + column] ?? 0) * (factors[column] ?? 0));
    }
  }
  return { values, scales };
}

/** Quantises the rows of a table to int8 with a scale per row. Yields values, and fills `scales` meanwhile. */
export async function* quantizeRows(table: Table, scales: Float32Array): AsyncGenerator<Int8Array> {
  let row = 0;
  for await (const block of blocksOf(table)) {
    const values = new Int8Array(block.length);
    for (let start = 0; start < block.length; start += table.columns, row++) {
      let most = 0;
      for (let index = start; index < start + table.columns; index++)
        most = Math.max(most, Math.abs(block[index] ?? 0));
      const scale = most / 127 || 1;
      for (let index = start; index < start + table.columns; index++)
        values[index] = Math.round((block[index] ?? 0) / scale);
      scales[row] = scale;
    }
    yield values;
  }
}
