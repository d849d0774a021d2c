export { floatArithmetic } from "./arithmetic/float.ts";
export { int8Arithmetic } from "./arithmetic/int8.ts";
export { type EncoderGraphOptions, writeEncoder } from "./encoder-graph.ts";
export type { EncoderShape } from "./encoder-shape.ts";
export { type PackedEncoderOptions, writePackedEncoder } from "./packed-encoder-graph.ts";
export { writePlainEncoder } from "./plain-encoder-graph.ts";
