import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const handbook = join(import.meta.dirname, "../../samples/handbook");
/** Approximately, for the handbook with mini-m3's tokenizer: texts are made slightly longer than needed. */
const tokensPerWord = 1.9;

/** Different texts from the sample handbook. */
export class TextSource {
  readonly #words: string[];
  #next = 0;

  constructor() {
    const files = globSync("*/*.md", { cwd: handbook }).sort();
    this.#words = files.flatMap((file) => readFileSync(join(handbook, file), "utf8").split(/\s+/));
  }

  /** A text with at least this many tokens and at most a fifth more. Each one starts at another place. */
  text(tokens: number): string {
    const words = Math.ceil((1.15 * tokens) / tokensPerWord);
    const start = (this.#next++ * 7_919) % this.#words.length;
    const chosen = Array.from({ length: words }, (_, place) => this.#words[(start + place) % this.#words.length]);
    return `${this.#next} ${chosen.join(" ")}`;
  }

  /** This many texts with evenly spread lengths, in mixed order. */
  mixed(count: number, least: number, most: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      const place = (index * 7) % count;
      return this.text((least + ((most - least) * place) / (count - 1)) / 1.15);
    });
  }
}
