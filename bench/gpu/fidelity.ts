import { leastCosine, roundTo } from "../embed/figures.ts";
import { textOfLength } from "../embed/mixed-texts.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { openGpuEmbedder, vectorsOf } from "./sides.ts";

export interface GpuFidelity {
  tokens: number[];
  /** Least cosine between float16 on the GPU and float32 on the CPU, of texts in one run. */
  together: number;
  alone: number;
}

/** Large enough for all texts in one run. */
const oneRun = 1 << 16;

/** Compares float16 vectors from the GPU, of texts alone and together, with float32 vectors from the CPU. */
export async function measureFidelity(model: RandomModel, lengths: readonly number[]): Promise<GpuFidelity> {
  const texts = await Array.fromAsync(lengths, (tokens, index) =>
    textOfLength(model.folder, tokens, index / lengths.length),
  );
  const contents = texts.map(({ text }) => text);
  await using reference = await openGpuEmbedder(model, { device: "cpu" });
  const expected = await vectorsOf(reference, contents);
  await using opened = await openGpuEmbedder(model, { tokenBudget: oneRun });
  const together = leastCosine(await vectorsOf(opened, contents), expected);
  const vectors: Float32Array[] = [];
  for (const text of contents) vectors.push(...(await vectorsOf(opened, [text])));
  return {
    tokens: texts.map(({ tokens }) => tokens),
    together: roundTo(together, 6),
    alone: roundTo(leastCosine(vectors, expected), 6),
  };
}
