export { unitVector } from "../unit-vector.ts";
export { openOnnxEmbedder } from "./onnx-embedder.ts";
export { loadOnnxModel } from "./onnx-model.ts";
export { layoutOf, type RunLayout } from "./run-layout.ts";
