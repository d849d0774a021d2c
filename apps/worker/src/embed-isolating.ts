import { isTransient, messageOf, ReembedError } from "@reembed/core";
import { type Embedder, type TextOutcome, tryEmbedding } from "@reembed/embedder";

/** Why a text has no vector although the embedder accepts others. */
type FailureReason = "inference_crashed" | "inference_hung" | "out_of_memory" | "embedding_failed";

/** A text is blamed after it has failed this often by itself while the harmless text did not. */
const failuresToBlame = 3;

/** The outcome of a text. */
export type IsolatedOutcome = TextOutcome | { index: number; rejected: FailureReason; detail: string };

/**
 * Embeds texts so that a text that the embedder cannot process does not affect the others. After a failed run, the remaining
 * texts are halved until the culprit is alone, which takes 2·log2(n) runs; a run of half the texts also needs half the memory.
 *
 * A text that fails alone is blamed only if the embedder still works, which a harmless text shows: otherwise the device is
 * to blame, and every text would fail. It must also fail repeatedly, because the kernel's out-of-memory killer may end a
 * child for memory that other processes use, and a server that was away may be back by now.
 * @throws The embedder's error, if it fails on the harmless text too or if no text has caused it.
 */
export async function* embedIsolating(
  embedder: Embedder,
  texts: readonly string[],
  indexes: readonly number[] = texts.keys().toArray(),
  failuresAlone = 0,
): AsyncGenerator<IsolatedOutcome[]> {
  const left = new Set(indexes);
  let failure: unknown;
  try {
    for await (const outcomes of embedder.embed(
      indexes.map((index) => texts[index] ?? ""),
      { as: "passage" },
    )) {
      const settled = outcomes.map((outcome) => ({ ...outcome, index: indexes[outcome.index] ?? -1 }));
      for (const { index } of settled) left.delete(index);
      yield settled;
    }
    return;
  } catch (error) {
    // A server that is away or a budget that is spent would fail for each half as well.
    if (isTransient(error)) throw error;
    failure = error;
  }
  const rest = [...left];
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) {
    if (!(await works(embedder))) throw failure;
    if (failuresAlone + 1 < failuresToBlame) {
      yield* embedIsolating(embedder, texts, rest, failuresAlone + 1);
      return;
    }
    yield [{ index: only, rejected: reasonOf(failure), detail: messageOf(failure) }];
    return;
  }
  const middle = rest.length >> 1;
  yield* embedIsolating(embedder, texts, rest.slice(0, middle));
  yield* embedIsolating(embedder, texts, rest.slice(middle));
}

function reasonOf(failure: unknown): FailureReason {
  const code = failure instanceof ReembedError ? failure.code : undefined;
  if (code === "out_of_memory" || code === "inference_hung") return code;
  return code === "inference_died" ? "inference_crashed" : "embedding_failed";
}

async function works(embedder: Embedder): Promise<boolean> {
  return await tryEmbedding(embedder).then(
    (outcome) => "vector" in outcome,
    () => false,
  );
}
