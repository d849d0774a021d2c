export {
  type Embedder,
  type EmbedderObserver,
  embedOne,
  keepOpen,
  type TextOutcome,
  type TextRole,
  tryEmbedding,
} from "./embedder.ts";
export type { TokenMeter } from "./http/token-meter.ts";
export { pullModel } from "./hub/pull-model.ts";
export { modelFolder, readRecordedFiles } from "./models/model-files.ts";
export { inspectModel, type ModelState } from "./models/model-state.ts";
export { type Dtype, devices, type PreparedDevice } from "./models/prepared-graph.ts";
export { type CudaFiles, inspectCudaFiles } from "./onnx/cuda-files.ts";
export { startOnnxEmbedder } from "./onnx/onnx-embedder.ts";
export {
  chooseDevice,
  type EmbedderSettings,
  type EmbeddingServer,
  embeddingServerOf,
  httpDevice,
  startProfileEmbedder,
} from "./profile-embedder.ts";
export { countTokens } from "./tokenizer/count-tokens.ts";
export { hasNoTokenizer } from "./tokenizer/tokenizer-of.ts";
