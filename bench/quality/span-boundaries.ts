/** What may precede the first word of a sentence: marks of a heading, quotation, list or table, and brackets. */
const opening = String.raw`[\s#>|*_\-–—•"'«„“”‘’(\[¿¡\x60]|\d+[.)]`;
/** What may follow the mark that ends a sentence. */
const closing = String.raw`[*_"'»“”’)\]\x60]`;

// An answer or a quotation may begin after a colon.
const startOfText = new RegExp(String.raw`(^|\n|[.!?…:]${closing}*\s)(${opening})*$`, "u");
const restOfLine = new RegExp(String.raw`^(${closing}|[ \t|.,;:!?…])*(\r?\n|$)`, "u");
const endOfSentence = new RegExp(`[.!?…]${closing}*$`, "u");
const afterSentence = new RegExp(String.raw`^${closing}*(\s|$)`, "u");
/** A span may leave out the mark that ends its sentence. */
const markOfEnd = new RegExp(String.raw`^${closing}*[.!?…]${closing}*(\s|$)`, "u");

/**
 * Whether a sentence, a list item, a table row or a line starts or ends at this offset of a body, in code points. Judged
 * parts start and end at boundaries; if one does not, an edit of its document has shifted it.
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
