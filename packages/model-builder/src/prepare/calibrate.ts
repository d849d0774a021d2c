import { InferenceSession, Tensor } from "onnxruntime-node";
import { int8Arithmetic } from "../graph/arithmetic/int8.ts";
import { type EncoderGraphOptions, observedPrefix, writeEncoder } from "../graph/encoder-graph.ts";
import { raiseToRows, type Smoothing, smoothingFactors } from "../graph/smoothing.ts";

export interface CalibrationOptions extends Pick<EncoderGraphOptions, "path" | "shape" | "weights" | "dense"> {
  /** Token ids of the sample texts. */
  samples: readonly Int32Array[];
}

/**
 * Runs sample texts to find factors that even out the inputs of the linear layers: in a trained encoder a few of a
 * thousand values are a hundred times as large as the others, which costs the others their precision.
 */
export async function calibrate({ samples, ...options }: CalibrationOptions): Promise<Smoothing> {
  await writeEncoder({ ...options, arithmetic: int8Arithmetic, masked: false, observed: true });
  const largest = await observe(options.path, samples);
  const smoothing = new Map<string, Float32Array>();
  for (const [place, inputs] of largest) {
    smoothing.set(place, smoothingFactors(inputs, await largestWeights(options, place, inputs.length)));
  }
  return smoothing;
}

/** The largest absolute value of each input, by the place where it is read. */
async function observe(path: string, samples: readonly Int32Array[]): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(path, { enableCpuMemArena: false, graphOptimizationLevel: "basic" });
  const largest = new Map<string, Float32Array>();
  try {
    for (const ids of samples) {
      const outputs = await session.run({
        input_ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]),
      });
      for (const [name, { data }] of Object.entries(outputs)) {
        if (!name.startsWith(observedPrefix)) continue;
        const place = name.slice(observedPrefix.length);
        const sizes = largest.get(place) ?? new Float32Array(data.length);
        raiseToRows(sizes, data as Float32Array);
        largest.set(place, sizes);
      }
    }
    return largest;
  } finally {
    await session.release();
  }
}

/** For each input of the layers at a place: the largest absolute value of the weights that it is multiplied by. */
async function largestWeights(
  { shape, weights }: Pick<CalibrationOptions, "shape" | "weights">,
  place: string,
  inputs: number,
): Promise<Float32Array> {
  const parts = place.endsWith(".self") ? ["query", "key", "value"] : ["dense"];
  const outputs = place.endsWith(".intermediate") ? shape.intermediate : shape.hidden;
  const largest = new Float32Array(inputs);
  for (const part of parts) {
    raiseToRows(largest, await weights.tensor(`${place}.${part}.weight`, [inputs, outputs]).readRows(0, inputs));
  }
  return largest;
}
