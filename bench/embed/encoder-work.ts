import type { EncoderShape } from "@reembed/model-builder/graph";

/** Floating-point operations of an encoder; a multiplication with its addition counts as two. */
export interface EncoderWork {
  /** Products with weights, which int8 speeds up. */
  linear: number;
  /** Products of tokens with tokens. */
  attention: number;
}

/** The operations for all texts, without padding and without what a graph saves in pooling: the same for every side. */
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
