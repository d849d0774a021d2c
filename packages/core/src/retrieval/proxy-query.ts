const leastCharacters = 25;
const mostCharacters = 300;
/** What is left of a chunk must still tell what it is about. */
const leastRest = 200;

/**
 * The sentence nearest to the middle of a chunk that can stand for a query: the chunk's author wrote it, in words of
 * the chunk. Undefined where no line holds a sentence of a query's length; the first and the last may be cut.
 */
export function takeSentence(content: string): string | undefined {
  // ICU's sentence rules are the same for nearly every language, and a line's end is one of them.
  const segments = [...new Intl.Segmenter("und", { granularity: "sentence" }).segment(content)].slice(1, -1);
  const middle = content.length / 2;
  const fit = segments.filter(({ segment }) => isSentence(segment.trim()));
  const [nearest] = fit.toSorted((a, b) => Math.abs(a.index - middle) - Math.abs(b.index - middle));
  return nearest?.segment.trim();
}

/** A chunk's text without a sentence; undefined where that leaves too little of it. */
export function withoutSentence(content: string, sentence: string): string | undefined {
  const rest = content.replaceAll(sentence, " ");
  return rest.trim().length < leastRest ? undefined : rest;
}

/** Neither a heading, nor a row of a table, nor a word. */
function isSentence(line: string): boolean {
  const length = [...line].length;
  return length >= leastCharacters && length <= mostCharacters && /^[\p{L}\p{N}]/u.test(line) && !line.includes("|");
}
