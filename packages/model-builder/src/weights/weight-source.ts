import type { ReembedError } from "@reembed/core";
import type { StoredTensor } from "./stored-tensor.ts";

/** Open weight files of any format. */
export interface WeightSource extends AsyncDisposable {
  readonly files: readonly string[];
  /** Finds a tensor by its name in `EncoderWeights`; linear weights are [in, out]. */
  find(name: string): StoredTensor | undefined;
  /** The error to throw for a tensor that was not found. */
  missing(name: string): ReembedError;
}
