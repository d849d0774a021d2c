import { failureShareAtMost } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import type { VectorOfText } from "@reembed/store";

export interface CosineBars {
  /** Of vectors that our workers made. */
  own: number;
  /** Of adopted ones: another program made them, perhaps with other kernels and number formats. */
  adopted: number;
}

export interface WrongVector {
  chunkId: number;
  reason: "wrong_vector";
  detail: string;
}

/** What embedding stored texts again has shown. */
export interface Comparison {
  compared: number;
  /** Whether there are more vectors than were compared. */
  sampled: boolean;
  adopted: number;
  /** Null where nothing was compared. */
  leastCosine: number | null;
  wrong: number;
  /** Share of all vectors that are wrong at most, with 95 % confidence; exact where all were compared. */
  wrongShareAtMost: number | null;
}

/**
 * Embeds texts again and compares the vectors with those that are stored.
 * @param pages Stored vectors, so many at a time as the embedder gets together.
 * @param options.sampled Whether there are more vectors than the pages hold.
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
    for await (const outcomes of embedder.embed(page.map(({ content }) => content))) {
      for (const outcome of outcomes) {
        const stored = page[outcome.index];
        if (stored === undefined) throw new RangeError(`The embedder answered for text ${outcome.index}`);
        const cosine = "vector" in outcome ? cosineOf(stored.vector, outcome.vector) : Number.NaN;
        const bar = stored.adopted ? bars.adopted : bars.own;
        comparison.compared++;
        comparison.adopted += Number(stored.adopted);
        if (!Number.isNaN(cosine)) comparison.leastCosine = Math.min(comparison.leastCosine ?? 1, cosine);
        // Written so that NaN is wrong.
        if (cosine >= bar) continue;
        comparison.wrong++;
        const detail =
          "rejected" in outcome
            ? `the model takes this text for no text: ${outcome.detail}`
            : `cosine ${cosine.toFixed(4)} to the model's own, below ${bar}`;
        onWrong({ chunkId: stored.chunkId, reason: "wrong_vector", detail });
      }
      onProgress(comparison.compared);
    }
  }
  const { compared, wrong } = comparison;
  if (compared === 0) return comparison;
  return { ...comparison, wrongShareAtMost: sampled ? failureShareAtMost(wrong, compared) : wrong / compared };
}

/** Of two vectors of any length; NaN where their dimensions differ or one is zero. */
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
