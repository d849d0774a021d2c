import type { Tokenizer } from "@anush008/tokenizers";
import type { Piece } from "./pieces.ts";
import { randomSigns } from "./random.ts";

/** A row and a weight for each token id; the special tokens come first and weigh nothing. */
export interface TokenTable {
  tokens: number;
  width: number;
  /** [tokens, width] */
  rows: Int8Array;
  /** [tokens]: a row times its weight is as long as the token is telling. */
  weights: Float32Array;
}

// 45 characters have 126 n-grams, and the sum of as many signs fits in int8.
const longestText = 45;

/**
 * A token's row is the sum of random vectors of its character trigrams to five-grams, as in fastText, so that forms of
 * a word are alike. It is weighted by its inverse document frequency over the passages.
 * The last column stays zero: what all texts have in common goes there.
 */
export async function makeTokenTable(
  tokenizer: Tokenizer,
  pieces: readonly Piece[],
  passages: readonly string[],
  width: number,
): Promise<TokenTable> {
  const tokens = tokenizer.getVocabSize();
  const specials = tokens - pieces.length;
  const passagesWith = await countPassages(tokenizer, passages, tokens);
  const rows = new Int8Array(tokens * width);
  const weights = new Float32Array(tokens);
  for (const [index, { text }] of pieces.entries()) {
    const id = specials + index;
    const row = rows.subarray(id * width, (id + 1) * width - 1);
    for (const gram of characterGrams(text)) addInto(row, randomSigns(gram, row.length));
    const frequency = passagesWith[id] ?? 0;
    weights[id] = (Math.log((passages.length + 1) / (frequency + 1)) * telling(text)) / Math.hypot(...row);
  }
  return { tokens, width, rows, weights };
}

async function countPassages(tokenizer: Tokenizer, passages: readonly string[], tokens: number): Promise<Uint32Array> {
  const counts = new Uint32Array(tokens);
  for (const encoding of await tokenizer.encodeBatch([...passages])) {
    for (const id of new Set(encoding.getIds())) counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

function characterGrams(piece: string): string[] {
  const text = piece.slice(0, longestText);
  const grams: string[] = [];
  for (let length = 3; length <= 5; length += 1) {
    for (let start = 0; start + length <= text.length; start += 1) grams.push(text.slice(start, start + length));
  }
  return grams.length > 0 ? grams : [text];
}

function addInto(row: Int8Array, addend: Int8Array): void {
  for (let column = 0; column < row.length; column += 1) row[column] = (row[column] ?? 0) + (addend[column] ?? 0);
}

/** Punctuation says nothing of what a text is about; single letters and short endings say little. */
function telling(text: string): number {
  return /[\p{L}\p{N}]/u.test(text) ? Math.min(1, text.length / 4) : 0;
}
