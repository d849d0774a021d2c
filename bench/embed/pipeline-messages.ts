export interface PipelineRequest {
  folder: string;
  texts: string[];
  /** Texts of one call of the pipeline. */
  batch: number;
}

/** First that the model is loaded and has run, then the texts' vectors. */
export type PipelineReply = "ready" | Float32Array[];
