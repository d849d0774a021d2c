import type { EncoderWeights } from "@reembed/model-builder/weights";

/**
 * Weights for any encoder, generated as they are read, because the cost of a run does not depend on their values. A row is
 * computed from its tensor's name and its number, so that graphs that read in different pieces get the same weights.
 */
export const randomWeights: EncoderWeights = {
  files: [],
  tensor(name, dims) {
    const width = dims.slice(1).reduce((product, dim) => product * dim, 1);
    const scale = scaleOf(name, dims);
    const centre = name.endsWith("LayerNorm.weight") ? 1 : 0;
    const seed = hash(name);
    const readRows = async (start: number, end: number) => {
      const values = new Float32Array((end - start) * width);
      for (let row = start; row < end; row++) {
        fill(values.subarray((row - start) * width, (row - start + 1) * width), hash(`${seed} ${row}`), scale, centre);
      }
      return values;
    };
    return { name, dims, readRows };
  },
  async [Symbol.asyncDispose]() {},
};

/** Linear layers preserve the size of their inputs; all other weights are small. */
function scaleOf(name: string, [inputs = 1, outputs]: readonly number[]): number {
  if (name.endsWith("LayerNorm.weight")) return 0;
  if (outputs === undefined) return 0.05;
  return name.startsWith("embeddings.") ? 0.1 : Math.sqrt(3 / inputs);
}

/** Uniform around `centre`, by Marsaglia's xorshift32: 560 million values take 2 s. */
function fill(values: Float32Array, seed: number, scale: number, centre: number): void {
  let state = seed || 1;
  const factor = scale / 2 ** 31;
  for (let index = 0; index < values.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[index] = centre + state * factor;
  }
}

/** FNV-1a with the last step of MurmurHash3, so that neighbouring rows get very different seeds. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}
