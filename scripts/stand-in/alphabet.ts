import { normalize } from "./corpus.ts";

const ranges: readonly [from: number, to: number][] = [
  [0x21, 0x7e], // ASCII
  [0xa1, 0xff], // Western European letters and signs
  [0x100, 0x17f], // Central European letters
  [0x400, 0x45f], // Cyrillic
  [0x2010, 0x203a], // dashes, quotation marks, ellipsis
];
const signs = "€₽№™←→↔≈≠≤≥−×✓✔✗•■□▪●";

/** Characters that never become unknown: ordinary text in Russian, English and German, and all that the corpus has. */
export function alphabetOf(texts: readonly string[]): string[] {
  const characters = new Set<string>();
  const add = (text: string) => {
    for (const character of normalize(text)) if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(character)) characters.add(character);
  };
  for (const [from, to] of ranges) {
    for (let code = from; code <= to; code += 1) add(String.fromCodePoint(code));
  }
  for (const text of [signs, ...texts]) add(text);
  return [...characters].sort();
}
