import { messageOf } from "@reembed/core";
import type { Embedder, TextOutcome } from "@reembed/embedder";

/** What became of a text; `embedding_failed` when the embedder fails on this text and on no other. */
export type IsolatedOutcome = TextOutcome | { index: number; rejected: "embedding_failed"; detail: string };

const harmlessText = "Reembed";

/**
 * Embeds texts so that one which the embedder cannot take costs only itself. What a failed run leaves over is halved
 * until the culprit is alone, which takes 2·log2(n) runs; a run of half the texts also takes half the memory.
 *
 * A text that fails alone is to blame only when the embedder goes on working: otherwise the device is, and every text
 * would be. A harmless text tells the two apart.
 * @throws What the embedder threw, when it fails on the harmless text too.
 */
export async function* embedIsolating(
  embedder: Embedder,
  texts: readonly string[],
  indexes: readonly number[] = texts.keys().toArray(),
): AsyncGenerator<IsolatedOutcome[]> {
  const left = new Set(indexes);
  let failure: unknown;
  try {
    for await (const outcomes of embedder.embed(indexes.map((index) => texts[index] ?? ""))) {
      const settled = outcomes.map((outcome) => ({ ...outcome, index: indexes[outcome.index] ?? -1 }));
      for (const { index } of settled) left.delete(index);
      yield settled;
    }
    return;
  } catch (error) {
    failure = error;
  }
  const rest = [...left];
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) {
    if (!(await works(embedder))) throw failure;
    yield [{ index: only, rejected: "embedding_failed", detail: messageOf(failure) }];
    return;
  }
  const middle = rest.length >> 1;
  yield* embedIsolating(embedder, texts, rest.slice(0, middle));
  yield* embedIsolating(embedder, texts, rest.slice(middle));
}

async function works(embedder: Embedder): Promise<boolean> {
  try {
    for await (const outcomes of embedder.embed([harmlessText])) {
      if (outcomes.some((outcome) => "vector" in outcome)) return true;
    }
    return false;
  } catch {
    return false;
  }
}
