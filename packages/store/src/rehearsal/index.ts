export { type CopiedSample, copySample } from "./copy-sample.ts";
export { measureVectors } from "./measure-vectors.ts";
export { createStage, type Stage, stageOf, strikeStage, tryRehearsalLock } from "./stage.ts";
