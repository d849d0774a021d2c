import type { ReembedError } from "@reembed/core";
import type { StoredTensor } from "./stored-tensor.ts";

/** Opened files of weights, whatever their format. */
export interface WeightSource extends AsyncDisposable {
  readonly files: readonly string[];
  /** By the name that `EncoderWeights` gives it, linear weights as [in, out]. */
  find(name: string): StoredTensor | undefined;
  /** What to throw for a tensor that was not found. */
  missing(name: string): ReembedError;
}
