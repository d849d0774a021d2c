export * from "./batching.ts";
export * from "./chunk.ts";
export * from "./chunk-diff.ts";
export * from "./errors.ts";
export * from "./model.ts";
export * from "./profile.ts";
