import type { Embedder } from "@reembed/embedder";

/** The speed of a device in a short run of the real model. */
export interface MeasuredRate {
  tokensPerSecond: number;
  texts: number;
  tokens: number;
  seconds: number;
}

/** The size of calls stops growing when a call takes longer than this share of the time. */
const shareOfOneCall = 0.1;

/**
 * Measures how many tokens per second an embedder reads of these texts, in order and repeatedly if there is time. Calls grow
 * up to `batchSize` texts as long as they are short. Everything up to then is the warm-up, which also loads, allocates and
 * plans. Only whole calls are counted, because within a call the longest texts come first.
 */
export async function measureRate(
  embedder: Embedder,
  texts: readonly string[],
  { seconds, batchSize }: { seconds: number; batchSize: number },
): Promise<MeasuredRate> {
  const most = Math.min(batchSize, texts.length);
  let next = 0;
  const run = async (size: number) => {
    const batch = Array.from({ length: size }, () => texts[next++ % texts.length] ?? "");
    const startedAt = performance.now();
    let tokens = 0;
    for await (const outcomes of embedder.embed(batch, { as: "passage" })) {
      for (const outcome of outcomes) {
        if (!("rejected" in outcome)) tokens += outcome.tokenCount - outcome.truncatedTokens;
      }
    }
    return { tokens, seconds: (performance.now() - startedAt) / 1_000 };
  };

  let size = 1;
  while ((await run(size)).seconds < shareOfOneCall * seconds && size < most) size = Math.min(2 * size, most);
  const measured = { texts: 0, tokens: 0, seconds: 0 };
  while (measured.seconds < seconds) {
    const call = await run(size);
    measured.texts += size;
    measured.tokens += call.tokens;
    measured.seconds += call.seconds;
  }
  return { tokensPerSecond: measured.tokens / measured.seconds, ...measured };
}
