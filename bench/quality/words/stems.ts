import snowball, { type Stemmer } from "snowball-stemmers";
import { functionWords } from "./function-words.ts";

const algorithms: Record<string, string> = {
  ru: "russian",
  en: "english",
  de: "german",
  fr: "french",
  es: "spanish",
};
const stemmers = new Map<string, Stemmer>();
const functionStems = new Map<string, ReadonlySet<string>>();

/** The stems of a text's words in order; for a language without a stemmer, the words themselves. */
export function stemsOf(text: string, language: string): string[] {
  // Russian may write е instead of ё, and French writes l'employeur for le employeur.
  const plain = text.normalize("NFC").toLowerCase().replaceAll("ё", "е");
  const words = plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const stemmer = stemmerOf(language);
  return words.map((word) => stemmer?.stem(word) ?? word);
}

/** The stems of a text's content words. */
export function contentStems(text: string, language: string): Set<string> {
  return new Set(stemsOf(text, language)).difference(functionStemsOf(language));
}

function functionStemsOf(language: string): ReadonlySet<string> {
  let stems = functionStems.get(language);
  if (stems === undefined) {
    stems = new Set(stemsOf(functionWords[language] ?? "", language));
    functionStems.set(language, stems);
  }
  return stems;
}

function stemmerOf(language: string): Stemmer | undefined {
  const algorithm = algorithms[language];
  if (algorithm === undefined) return undefined;
  let stemmer = stemmers.get(language);
  if (stemmer === undefined) {
    stemmer = snowball.newStemmer(algorithm);
    stemmers.set(language, stemmer);
  }
  return stemmer;
}
