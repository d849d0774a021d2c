export type { Embedder, RejectionReason, TextOutcome } from "./embedder.ts";
export { modelFolder, verifyModelFiles } from "./model-files.ts";
export { type OnnxEmbedderOptions, startOnnxEmbedder } from "./onnx-embedder.ts";
