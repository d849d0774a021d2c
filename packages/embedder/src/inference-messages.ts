import type { RunLayout } from "./run-layout.ts";

/** What the inference child is started with. */
export interface InferenceSettings {
  /** Folder of the model, in Hugging Face layout. */
  folder: string;
  /** Path of its ONNX file. */
  graph: string;
  /** Whether the graph is of our own making, and is run as it is written. */
  prepared: boolean;
  layout: RunLayout;
  device: string;
  /** Of a run on the CPU; without it, one for each core. */
  threads?: number | undefined;
  dimensions: number;
  pooling: "cls" | "mean";
}

/** One run of the model. */
export interface InferenceRequest {
  id: number;
  /** Token ids of all texts, one after another. */
  ids: Int32Array;
  /** Tokens of each text. */
  lengths: Int32Array;
}

/** What a run gave. */
export interface InferenceResult {
  /** Vectors of `dimensions` numbers each, one after another. */
  vectors: Float32Array;
  /** In the model, without the wait for its turn. */
  seconds: number;
}

export type InferenceReply =
  | { kind: "ready" }
  /** The child cannot serve, and is to be ended. */
  | { kind: "refused"; code: string; message: string }
  | ({ kind: "done"; id: number } & InferenceResult)
  | { kind: "failed"; id: number; code: string; message: string };
