import { ReembedError } from "@reembed/core";
import type { EncodedText, Encoder } from "./encoder.ts";

/** A piece of a vocabulary is not longer than this, in UTF-16 code units. */
const longestPiece = 64;

/**
 * The ids that the model reads of a text: its end is cut off and the closing special token kept, as the models' own
 * tokenizers do.
 */
export function cutIds({ ids }: EncodedText, maxTokens: number): Int32Array {
  if (ids.length <= maxTokens) return Int32Array.from(ids);
  const cut = new Int32Array(maxTokens);
  for (let place = 0; place < maxTokens - 1; place++) cut[place] = ids[place] ?? 0;
  cut[maxTokens - 1] = ids[ids.length - 1] ?? 0;
  return cut;
}

/**
 * The beginning of a text that makes the tokens which the model reads of it, for a server that refuses longer ones: up
 * to the character where the last of them ends. It never has more tokens than `maxTokens`.
 */
export async function readPart(text: string, maxTokens: number, encoder: Encoder): Promise<string> {
  const whole = await encodeOne(text);
  if (whole.ids.length <= maxTokens) return text;
  const lastToken = maxTokens - 2;
  let end = whole.endOf?.(lastToken) ?? (await searchEnd(cutIds(whole, maxTokens)));
  // Of a letter and the marks on it that become one character, the offsets tell the letter's end.
  while (/^\p{M}/u.test(text.slice(end, end + 2))) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  // One character may become several in the normalizer, with the cut among them: then it is one too many.
  while (end > 0 && (await encodeOne(text.slice(0, end))).ids.length > maxTokens) end = characterStart(text, end - 1);
  return text.slice(0, end);

  /**
   * Without offsets: the shortest beginning of as many tokens, and on to where they are the same. They never are when the
   * cut is within what the normalizer made of one character; then most of them are.
   */
  async function searchEnd(kept: Int32Array): Promise<number> {
    let low = 0;
    let high = Math.ceil((text.length * maxTokens) / whole.ids.length);
    const reaches = async (end: number) => (await encodeOne(beginning(text, end))).ids.length >= maxTokens;
    while (high < text.length && !(await reaches(high))) {
      low = high;
      high = Math.min(2 * high, text.length);
    }
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (await reaches(middle)) high = middle;
      else low = middle;
    }
    let best = { end: high, agreeing: 0 };
    for (let end = high; end <= Math.min(high + longestPiece, text.length) && best.agreeing < maxTokens; end++) {
      const { ids } = await encodeOne(beginning(text, end));
      const agreeing = ids.length > maxTokens ? 0 : countAgreeing(ids, kept);
      if (agreeing > best.agreeing) best = { end, agreeing };
    }
    return characterStart(text, best.end);
  }

  async function encodeOne(part: string): Promise<EncodedText> {
    const [answer] = await encoder.encode([part]);
    if (answer !== undefined && "ids" in answer) return answer;
    throw new ReembedError("tokenizer_failed", answer?.failure ?? "The tokenizer gave no answer.");
  }
}

/** How many ids are the same from the first one on. */
function countAgreeing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a[count] === b[count]) count++;
  return count;
}

function beginning(text: string, end: number): string {
  return text.slice(0, characterStart(text, end));
}

/** `index`, or the one before it where that would part a surrogate pair. */
function characterStart(text: string, index: number): number {
  return (text.codePointAt(index - 1) ?? 0) > 0xffff ? index - 1 : index;
}
