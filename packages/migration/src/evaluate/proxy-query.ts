const leastCharacters = 25;
const mostCharacters = 300;
/** Characters: the rest of a chunk must be long enough to show its topic. */
const leastRest = 200;

/**
 * The sentence nearest to the middle of a chunk that can serve as a query: the author of the chunk wrote it, in the words
 * of the chunk. Undefined if no line contains a sentence of a query's length. The first and the last are not taken,
 * because they may be cut off.
 */
export function takeSentence(content: string): string | undefined {
  // ICU's sentence rules are the same for almost every language, and the end of a line ends a sentence.
  const segments = [...new Intl.Segmenter("und", { granularity: "sentence" }).segment(content)].slice(1, -1);
  const middle = content.length / 2;
  const fit = segments.filter(({ segment }) => isSentence(segment.trim()));
  const [nearest] = fit.toSorted((a, b) => Math.abs(a.index - middle) - Math.abs(b.index - middle));
  return nearest?.segment.trim();
}

/** The text of a chunk without a sentence; undefined if too little of it is left. */
export function withoutSentence(content: string, sentence: string): string | undefined {
  const rest = content.replaceAll(sentence, " ");
  return rest.trim().length < leastRest ? undefined : rest;
}

/** Whether a line is a sentence, and not a heading, a row of a table or a single word. */
function isSentence(line: string): boolean {
  const length = [...line].length;
  return length >= leastCharacters && length <= mostCharacters && /^[\p{L}\p{N}]/u.test(line) && !line.includes("|");
}
