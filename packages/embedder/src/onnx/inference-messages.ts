import type { Pooling } from "@reembed/core";
import type { RunLayout } from "./run-layout.ts";

/** Settings that the inference child starts with. */
export interface InferenceSettings {
  /** Folder of the model, in Hugging Face layout. */
  folder: string;
  /** Path of its ONNX file. */
  graph: string;
  /** Whether `model prepare` built the graph. Such a graph runs as written, without ONNX Runtime's optimisations. */
  prepared: boolean;
  layout: RunLayout;
  device: string;
  /** Threads of a run on the CPU; by default one per core. */
  threads?: number | undefined;
  /** Dimensions of the vectors that the graph emits. */
  dimensions: number;
  pooling: Pooling;
}

/**
 * How many threads run the model. On a GPU one prepares its run while the other's is computed: otherwise the GPU would idle
 * between runs.
 */
export function modelThreads(device: string): number {
  return device.startsWith("cuda") ? 2 : 1;
}

/** One run of the model. */
export interface InferenceRequest {
  id: number;
  /** Token ids of all texts, one after another. */
  ids: Int32Array;
  /** Tokens of each text. */
  lengths: Int32Array;
}

/** The result of a run. */
export interface InferenceResult {
  /** Vectors of `dimensions` numbers each, of any length, concatenated. */
  vectors: Float32Array;
  /** Time in the model, without the wait before it. */
  seconds: number;
}

export type InferenceReply =
  | { kind: "ready" }
  /** The child cannot serve, and the parent ends it. */
  | { kind: "refused"; code: string; message: string }
  | ({ kind: "done"; id: number } & InferenceResult)
  | { kind: "failed"; id: number; code: string; message: string };
