// Exports for the code that builds models and for benchmarks; processes that embed do not need them.
export { floatArithmetic } from "./onnx/arithmetic/float.ts";
export { int8Arithmetic } from "./onnx/arithmetic/int8.ts";
export { writeEncoder } from "./onnx/encoder-graph.ts";
export type { EncoderShape } from "./onnx/encoder-shape.ts";
export { writePackedEncoder } from "./onnx/packed-encoder-graph.ts";
export { writePlainEncoder } from "./onnx/plain-encoder-graph.ts";
export { openOnnxEmbedder } from "./onnx-embedder.ts";
export type { RunLayout } from "./run-layout.ts";
export { builderVersion } from "./prepared/prepared-graph.ts";
export { Tokenizer } from "./tokenizer.ts";
export type { EncoderWeights } from "./weights/encoder-weights.ts";
