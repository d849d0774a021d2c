import type { Embedder } from "@reembed/embedder";
import type { VectorOfText } from "@reembed/store/embeddings";
import { failureShareAtMost } from "./binomial.ts";

export interface CosineBars {
  /** For vectors that our workers made. */
  own: number;
  /** For adopted vectors, which another program made, perhaps with other kernels and number formats. */
  adopted: number;
}

/** The limit for adopted vectors, which another program made with its own kernels and number formats. */
const leastCosineAdopted = 0.99;

export function cosineBars(own: number): CosineBars {
  return { own, adopted: Math.min(leastCosineAdopted, own) };
}

export interface WrongVector {
  chunkId: number;
  reason: "wrong_vector";
  detail: string;
}

/** The result of embedding stored texts again. */
export interface Comparison {
  compared: number;
  /** Whether only some of the vectors were compared. */
  sampled: boolean;
  adopted: number;
  /** Null if nothing was compared. */
  leastCosine: number | null;
  wrong: number;
  /** Upper bound for the share of wrong vectors, with 95 % confidence; exact if all were compared. */
  wrongShareAtMost: number | null;
}

/**
 * Embeds texts again and compares the vectors with the stored ones.
 * @param pages Stored vectors, in pages that are embedded together.
 * @param options.sampled Whether there are more vectors than the pages contain.
 */
export async function compareVectors(
  embedder: Embedder,
  pages: AsyncIterable<readonly VectorOfText[]>,
  { bars, sampled, onWrong }: { bars: CosineBars; sampled: boolean; onWrong: (wrong: WrongVector) => void },
  onProgress: (compared: number) => void,
): Promise<Comparison> {
  const comparison: Comparison = {
    compared: 0,
    sampled,
    adopted: 0,
    leastCosine: null,
    wrong: 0,
    wrongShareAtMost: null,
  };
  for await (const page of pages) {
    for await (const outcomes of embedder.embed(
      page.map(({ content }) => content),
      { as: "passage" },
    )) {
      for (const outcome of outcomes) {
        const stored = page[outcome.index];
        if (stored === undefined) throw new RangeError(`The embedder answered for text ${outcome.index}`);
        const cosine = "vector" in outcome ? cosineOf(stored.vector, outcome.vector) : Number.NaN;
        const bar = stored.adopted ? bars.adopted : bars.own;
        comparison.compared++;
        comparison.adopted += Number(stored.adopted);
        if (!Number.isNaN(cosine)) comparison.leastCosine = Math.min(comparison.leastCosine ?? 1, cosine);
        // Written so that NaN counts as wrong.
        if (cosine >= bar) continue;
        comparison.wrong++;
        const detail =
          "rejected" in outcome
            ? `the model rejects this text: ${outcome.detail}`
            : `cosine ${cosine.toFixed(4)} to the model's own vector, below ${bar}`;
        onWrong({ chunkId: stored.chunkId, reason: "wrong_vector", detail });
      }
      onProgress(comparison.compared);
    }
  }
  const { compared, wrong } = comparison;
  if (compared === 0) return comparison;
  return { ...comparison, wrongShareAtMost: sampled ? failureShareAtMost(wrong, compared) : wrong / compared };
}

/** The cosine of two vectors of any length; NaN if their dimensions differ or one is zero. */
function cosineOf(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  let [dot, lengthA, lengthB] = [0, 0, 0];
  a.forEach((value, index) => {
    const other = b[index] ?? Number.NaN;
    dot += value * other;
    lengthA += value * value;
    lengthB += other * other;
  });
  return dot / Math.sqrt(lengthA * lengthB);
}
