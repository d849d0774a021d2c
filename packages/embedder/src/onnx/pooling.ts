import type { Pooling } from "@reembed/core";

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
    const place = pooling === "last" ? count - 1 : 0;
    if (pooling === "mean") addMean(target, text, count);
    else target.set(text.subarray(place * hidden, (place + 1) * hidden));
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
