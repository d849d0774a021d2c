export { type Embedder, type EmbedderObserver, embedOne, type RejectionReason, type TextOutcome } from "./embedder.ts";
export { type PullOptions, type PullProgress, pullModel } from "./hub/pull-model.ts";
export { modelFolder, verifyModelFiles } from "./model-files.ts";
export { type OnnxEmbedderOptions, startOnnxEmbedder } from "./onnx-embedder.ts";
