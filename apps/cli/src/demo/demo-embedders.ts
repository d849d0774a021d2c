import { type Embedder, keepOpen } from "@reembed/embedder";

/** An embedder that fails while `broken` returns true: the demo's fault. */
export function breakable(embedder: Embedder, broken: () => boolean): Embedder {
  return {
    ...keepOpen(embedder),
    embed(texts, reading) {
      if (broken()) throw new Error("The demo has broken this model on purpose.");
      return embedder.embed(texts, reading);
    },
  };
}
