import { type InferenceSession, Tensor } from "onnxruntime-node";

type Metadata = InferenceSession.ValueMetadata;

/** Outputs by their usual names, the preferred ones first: vectors of texts, and of tokens. */
const usualOutputs: readonly string[] = ["sentence_embedding", "last_hidden_state", "token_embeddings"];
/** What decoders read of earlier tokens. A text is read at once, so that there are none. */
const cache = /^past_key_values\./;

/** The inputs that a run would have to be given although nobody knows their meaning. */
export function unknownInputs(inputs: readonly string[], known: readonly string[]): string[] {
  return inputs.filter((name) => !known.includes(name) && !cache.test(name));
}

/** The inputs of decoders that have no values, for a run of so many texts. */
export function emptyCaches(inputs: readonly Metadata[], texts: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const input of inputs) {
    if (!cache.test(input.name) || !input.isTensor) continue;
    // The first dimension is that of the texts, and the other one without a number that of earlier tokens.
    const dims = input.shape.map((size, axis) =>
      axis === 0 ? texts : typeof size === "number" && size > 0 ? size : 0,
    );
    const values = input.type === "float16" ? new Uint16Array() : new Float32Array();
    feeds[input.name] = new Tensor(input.type as "float32", values as Float32Array, dims);
  }
  return feeds;
}

/**
 * The output with the vectors: one of the usual names, or else the only one of tokens [texts, length, dimensions], or the
 * only one at all. Undefined if several could be meant.
 */
export function chooseOutput(outputs: readonly Metadata[]): string | undefined {
  const names = outputs.map(({ name }) => name);
  const usual = usualOutputs.find((name) => names.includes(name));
  if (usual !== undefined || names.length === 1) return usual ?? names[0];
  const ofTokens = outputs.filter((output) => output.isTensor && output.shape.length === 3);
  return ofTokens.length === 1 ? ofTokens[0]?.name : undefined;
}

/** The same values in int32 where the graph wants that: optimizers may change the type of inputs. */
export function inTypeOf(input: Metadata | undefined, tensor: Tensor): Tensor {
  if (!input?.isTensor || input.type !== "int32" || tensor.type === "int32") return tensor;
  return new Tensor("int32", Int32Array.from(tensor.data as BigInt64Array, Number), tensor.dims);
}
