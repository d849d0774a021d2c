/** For each place of the encoder whose linear layers read the same values: a factor for each of these values. */
export type Smoothing = ReadonlyMap<string, Float32Array>;

/**
 * SmoothQuant's factors with a migration strength of one half (Xiao et al. 2023, equation 4): how much of the range of a
 * layer's inputs moves into its weights. Each input is divided by its factor and its row of weights is multiplied by it.
 * The product stays the same, and a few large inputs no longer cost all others their precision.
 * @param inputs Largest absolute value of each input, over all tokens.
 * @param weights Largest absolute value of each input's weights.
 */
export function smoothingFactors(inputs: Float32Array, weights: Float32Array): Float32Array {
  return inputs.map((size, index) => {
    const factor = Math.sqrt(size / (weights[index] ?? 0));
    return Number.isFinite(factor) && factor > 0 ? factor : 1;
  });
}

/** Multiplies each row of a matrix by its factor, in place. */
export function scaleRows(matrix: Float32Array, columns: number, factors: Float32Array): void {
  for (const [row, factor] of factors.entries()) {
    for (let index = row * columns; index < (row + 1) * columns; index++) matrix[index] = (matrix[index] ?? 0) * factor;
  }
}

/** Divides each column of a matrix by its factor, in place. */
export function divideColumns(matrix: Float32Array, factors: Float32Array): void {
  for (let start = 0; start < matrix.length; start += factors.length) {
    for (const [column, factor] of factors.entries()) matrix[start + column] = (matrix[start + column] ?? 0) / factor;
  }
}

/** Raises each value of `largest` to the largest absolute value of the same row of a matrix. */
export function raiseToRows(largest: Float32Array, matrix: Float32Array): void {
  const columns = matrix.length / largest.length;
  for (let index = 0; index < matrix.length; index++) {
    const row = Math.floor(index / columns);
    largest[row] = Math.max(largest[row] ?? 0, Math.abs(matrix[index] ?? 0));
  }
}

/** sum + row · matrix */
export function addProduct(sum: Float32Array, row: Float32Array, matrix: Float32Array): Float32Array {
  const columns = sum.length;
  const product = Float64Array.from(sum);
  for (const [place, factor] of row.entries()) {
    const start = place * columns;
    for (let column = 0; column < columns; column++) {
      product[column] = (product[column] ?? 0) + factor * (matrix[start + column] ?? 0);
    }
  }
  return Float32Array.from(product);
}
