import { leastCosine, roundTo } from "../embed/figures.ts";
import { textOfLength } from "../embed/mixed-texts.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { openGpuEmbedder, vectorsOf } from "./sides.ts";

export interface GpuFidelity {
  tokens: number[];
  /** Least cosine between float16 on the GPU and float32 on the CPU. */
  packedTogether: number;
  packedAlone: number;
  paddedTogether: number;
  paddedAlone: number;
}

/** Large enough for all texts in one run. */
const oneRun = 1 << 16;

/** Compares float16 vectors from the GPU, of texts alone and together, with float32 vectors from the CPU. */
export async function measureFidelity(model: RandomModel, lengths: readonly number[]): Promise<GpuFidelity> {
  const texts = await Array.fromAsync(lengths, (tokens, index) =>
    textOfLength(model.folder, tokens, index / lengths.length),
  );
  const contents = texts.map(({ text }) => text);
  await using reference = await openGpuEmbedder(model, "equal", { device: "cpu" });
  const expected = await vectorsOf(reference, contents);
  const compare = async (layout: "packed" | "padded") => {
    await using opened = await openGpuEmbedder(model, layout, {
      tokenBudget: layout === "packed" ? oneRun : 4 * oneRun,
    });
    const together = leastCosine(await vectorsOf(opened, contents), expected);
    const vectors: Float32Array[] = [];
    for (const text of contents) vectors.push(...(await vectorsOf(opened, [text])));
    return [roundTo(together, 6), roundTo(leastCosine(vectors, expected), 6)] as const;
  };
  const [packedTogether, packedAlone] = await compare("packed");
  const [paddedTogether, paddedAlone] = await compare("padded");
  return { tokens: texts.map(({ tokens }) => tokens), packedTogether, packedAlone, paddedTogether, paddedAlone };
}
