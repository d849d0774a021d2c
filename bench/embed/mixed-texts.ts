import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@reembed/embedder/tokenizer";

export interface TextOfLength {
  text: string;
  /** Including special tokens. */
  tokens: number;
}

const handbook = join(import.meta.dirname, "../../samples/handbook");
/** BERT's tokenizer splits these, but that of transformers.js does not, and would read other tokens than ours. */
const punctuationRuns = /([\p{P}\p{S}])[\p{P}\p{S}]+/gu;
/** Coprime to the number of texts, so that long and short ones are mixed, as in a corpus. */
const stride = 7;

/** Texts whose numbers of tokens are evenly spread between the bounds, in mixed order. */
export async function mixedTexts(
  modelFolder: string,
  { count, least, most }: { count: number; least: number; most: number },
): Promise<TextOfLength[]> {
  const texts: TextOfLength[] = [];
  for (let index = 0; index < count; index++) {
    const place = (index * stride) % count;
    const tokens = Math.round(least + ((most - least) * place) / (count - 1));
    texts.push(await textOfLength(modelFolder, tokens, index / count));
  }
  return texts;
}

/**
 * A text of this many tokens from the sample handbook.
 * @param start Where it begins: 0 is the first document, 1 the last.
 */
export async function textOfLength(modelFolder: string, tokens: number, start = 0): Promise<TextOfLength> {
  const files = globSync("*/*.md", { cwd: handbook }).sort();
  const first = Math.floor(start * files.length);
  const documents = [...files.slice(first), ...files.slice(0, first)].map((file) =>
    readFileSync(join(handbook, file), "utf8").replace(punctuationRuns, "$1"),
  );
  // None of our tokenizers makes more than one token per character.
  const long = documents.join("\n\n").slice(0, 16 * tokens);
  await using tokenizer = new Tokenizer(modelFolder, tokens);
  const [text = ""] = await tokenizer.readParts([long]);
  const [answer] = await tokenizer.tokenize([text]);
  if (answer === undefined || "failure" in answer || answer.ids.length < tokens * 0.95) {
    throw new Error(`The handbook is too short for a text of ${tokens} tokens`);
  }
  return { text, tokens: answer.ids.length };
}
