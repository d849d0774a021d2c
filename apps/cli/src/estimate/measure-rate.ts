import type { Embedder } from "@reembed/embedder";

/** What a device did in a short run of the real model. */
export interface MeasuredRate {
  tokensPerSecond: number;
  texts: number;
  tokens: number;
  seconds: number;
}

/** A call that takes longer than this part of the time is not made longer. */
const shareOfOneCall = 0.1;

/**
 * How many tokens a second an embedder reads of these texts, in their order and again from the first one if there is
 * time. Calls grow to `batchSize` texts as long as they are short, and what was run until then is the warm-up: it also
 * loads, allocates and plans. A call is counted as a whole: within one, the longest texts come first.
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
    for await (const outcomes of embedder.embed(batch)) {
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
