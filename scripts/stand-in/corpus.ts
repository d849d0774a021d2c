import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every Markdown file under a folder, in the order of their paths: the same files give the same models. */
export function readTexts(folder: string): string[] {
  const paths = globSync("**/*.md", { cwd: folder }).sort();
  if (paths.length === 0) throw new Error(`There are no .md files in ${folder} to learn a vocabulary from`);
  return paths.map((path) => readFileSync(join(folder, path), "utf8"));
}

/** What both tokenizers do to a text before they look up its words; their normalizers say the same in JSON. */
export function normalize(text: string): string {
  return text
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .toLowerCase()
    .replaceAll("ё", "е");
}

/** How often each word or number occurs, in normalised form. */
export function countWords(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of normalize(text).matchAll(/\p{L}+|\p{N}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}
