/** What may stand before the first word of a sentence: marks of a heading, quotation, list or table, and brackets. */
const opening = String.raw`[\s#>|*_\-–—•"'«„“”‘’(\[¿¡\x60]|\d+[.)]`;
/** What may stand behind the mark that ends a sentence. */
const closing = String.raw`[*_"'»“”’)\]\x60]`;

// After a colon an answer or a quotation may begin.
const startOfText = new RegExp(String.raw`(^|\n|[.!?…:]${closing}*\s)(${opening})*$`, "u");
const restOfLine = new RegExp(String.raw`^(${closing}|[ \t|.,;:!?…])*(\r?\n|$)`, "u");
const endOfSentence = new RegExp(`[.!?…]${closing}*$`, "u");
const afterSentence = new RegExp(String.raw`^${closing}*(\s|$)`, "u");
/** The mark that ends the sentence may be left out of a span. */
const markOfEnd = new RegExp(String.raw`^${closing}*[.!?…]${closing}*(\s|$)`, "u");

/**
 * Whether a sentence, a list item, a table row or a line starts or ends there in a body, counted in code points. Judged
 * spans do: one that does not was shifted by an edit of its document.
 */
export function isBoundary(body: string, offset: number, side: "start" | "end"): boolean {
  const characters = [...body];
  const before = characters.slice(Math.max(0, offset - 40), offset).join("");
  const after = characters.slice(offset, offset + 40).join("");
  const lineStarts = offset <= 40 ? before : `\u0000${before}`;
  if (side === "start") return /^\S/u.test(after) && startOfText.test(lineStarts);
  if (!/\S$/u.test(before)) return false;
  return restOfLine.test(after) || markOfEnd.test(after) || (endOfSentence.test(before) && afterSentence.test(after));
}
