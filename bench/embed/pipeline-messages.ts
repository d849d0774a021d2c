export interface PipelineRequest {
  folder: string;
  texts: string[];
  /** Number of texts per call of the pipeline. */
  batch: number;
  threads: number;
}

/** First "ready", after the model was loaded and has run; then the vectors of the texts. */
export type PipelineReply = "ready" | Float32Array[];
