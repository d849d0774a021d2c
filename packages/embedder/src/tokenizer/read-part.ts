import { ReembedError } from "@reembed/core";
import type { EncodedText, Encoder } from "./encoder.ts";

/** Maximum length of a piece of a vocabulary, in UTF-16 code units. */
const longestPiece = 64;

/** How many special tokens a tokenizer puts after a text: one for most models, none for some decoders. */
export async function countClosing(encoder: Encoder): Promise<number> {
  const [nothing, letter] = await encoder.encode(["", "a"]);
  if (nothing === undefined || letter === undefined || "failure" in nothing || "failure" in letter) return 1;
  const [shorter, longer] = [[...Array.from(nothing.ids)].reverse(), [...Array.from(letter.ids)].reverse()];
  const differing = shorter.findIndex((id, place) => id !== longer[place]);
  return differing === -1 ? shorter.length : differing;
}

/**
 * The ids that the model reads: the end of a long text is cut off and the closing special tokens are kept, as the models'
 * own tokenizers do.
 */
export function cutIds({ ids }: EncodedText, maxTokens: number, closing = 1): Int32Array {
  if (ids.length <= maxTokens) return Int32Array.from(ids);
  const cut = new Int32Array(maxTokens);
  const end = maxTokens - closing;
  for (let place = 0; place < maxTokens; place++) {
    cut[place] = ids[place < end ? place : place + ids.length - maxTokens] ?? 0;
  }
  return cut;
}

/**
 * The beginning of a text whose tokens are those that the model reads of it, up to the character where the last of them
 * ends. Needed for servers that refuse longer texts. It never has more tokens than `maxTokens`.
 */
export async function readPart(text: string, maxTokens: number, encoder: Encoder, closing = 1): Promise<string> {
  const whole = await encodeOne(text);
  if (whole.ids.length <= maxTokens) return text;
  const lastToken = maxTokens - closing - 1;
  let end = whole.endOf?.(lastToken) ?? (await searchEnd(cutIds(whole, maxTokens, closing)));
  // If a letter and its marks become one character, the offsets give the end of the letter only.
  while (/^\p{M}/u.test(text.slice(end, end + 2))) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  // The normalizer may replace one character by several. If the cut is among them, the whole character is too much.
  while (end > 0 && (await encodeOne(text.slice(0, end))).ids.length > maxTokens) end = characterStart(text, end - 1);
  return text.slice(0, end);

  /**
   * Used without offsets: finds the shortest beginning with as many tokens, then extends it until the tokens are the same.
   * They never are if the cut is within the replacement of one character; then the beginning with most equal tokens is taken.
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

/** The number of equal ids at the beginning. */
function countAgreeing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a[count] === b[count]) count++;
  return count;
}

function beginning(text: string, end: number): string {
  return text.slice(0, characterStart(text, end));
}

/** `index`, or the one before it if `index` would split a surrogate pair. */
function characterStart(text: string, index: number): number {
  return (text.codePointAt(index - 1) ?? 0) > 0xffff ? index - 1 : index;
}
