export {
  type EncoderKind,
  encodeSafetensors,
  expectSameWeights,
  fixtures,
  readAll,
  type StoredValues,
  safetensorsOf,
  writeFolder,
} from "./exported-encoders.ts";
export { encodeFusedBert } from "./fused-encoder.ts";
export {
  arithmetics,
  encoderShape,
  largestDifference,
  leastCosine,
  randomText,
  randomWeights,
  runAlone,
  testGraphs,
} from "./random-encoder.ts";
export { type ExportedGraph, renameValues, rewriteExport } from "./rewrite-export.ts";
export { prepareTestModel, spoilWeights, type TestModel, texts, writeTestModel } from "./test-model.ts";
