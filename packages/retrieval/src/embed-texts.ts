import type { Embedder, TextRole } from "@reembed/embedder";

interface EmbedTextsOptions {
  as: TextRole;
  onProgress?: (done: number) => void;
}

/** One vector per text; undefined if the model rejects the text. */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  { as, onProgress = () => {} }: EmbedTextsOptions,
): Promise<(Float32Array | undefined)[]> {
  const vectors = new Array<Float32Array | undefined>(texts.length).fill(undefined);
  let done = 0;
  for await (const outcomes of embedder.embed(texts, { as })) {
    for (const outcome of outcomes) if ("vector" in outcome) vectors[outcome.index] = outcome.vector;
    done += outcomes.length;
    onProgress(done);
  }
  return vectors;
}
