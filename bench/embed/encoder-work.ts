import type { EncoderShape } from "@reembed/embedder/builder";

/** Floating-point operations of an encoder, a multiplication and its addition counted as two. */
export interface EncoderWork {
  /** Of products with weights, which int8 speeds up. */
  linear: number;
  /** Of products of tokens with tokens. */
  attention: number;
}

/** What all the texts need, without padding and without what a graph saves by pooling: the same for every side. */
export function workOf({ layers, hidden, intermediate }: EncoderShape, lengths: readonly number[]): EncoderWork {
  const perToken = 2 * (4 * hidden * hidden + 2 * hidden * intermediate) * layers;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const pairs = lengths.reduce((sum, length) => sum + length * length, 0);
  return { linear: perToken * tokens, attention: 4 * pairs * hidden * layers };
}

export function parametersOf({ layers, hidden, intermediate, vocabulary, positions }: EncoderShape): number {
  const layer = 4 * hidden * (hidden + 1) + 2 * hidden * intermediate + intermediate + hidden + 4 * hidden;
  return layers * layer + (vocabulary + positions + 5) * hidden;
}
