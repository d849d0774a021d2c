export { type Embedder, type EmbedderObserver, embedOne, type RejectionReason, type TextOutcome } from "./embedder.ts";
export { type HttpEmbedderOptions, startHttpEmbedder } from "./http/http-embedder.ts";
export { type PullOptions, type PullProgress, pullModel } from "./hub/pull-model.ts";
export { modelFolder, verifyModelFiles } from "./model-files.ts";
export { type OnnxEmbedderOptions, startOnnxEmbedder } from "./onnx-embedder.ts";
export { describeModel } from "./prepared/describe-model.ts";
export type { Fidelity } from "./prepared/fidelity.ts";
export { leastCosines, type Preparation, prepareModel } from "./prepared/prepare-model.ts";
export { type Dtype, devices, listPrepared, type PreparedDevice, verifyPrepared } from "./prepared/prepared-graph.ts";
