import type { Embedder } from "@reembed/embedder";

/** One vector per text; undefined if the model rejects the text. */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  onProgress: (done: number) => void = () => {},
): Promise<(Float32Array | undefined)[]> {
  const vectors = new Array<Float32Array | undefined>(texts.length).fill(undefined);
  let done = 0;
  for await (const outcomes of embedder.embed(texts)) {
    for (const outcome of outcomes) if ("vector" in outcome) vectors[outcome.index] = outcome.vector;
    done += outcomes.length;
    onProgress(done);
  }
  return vectors;
}
