import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const handbook = join(import.meta.dirname, "../../samples/handbook");
/** Of the handbook with mini-m3's tokenizer, roughly: texts are made a little longer than they are to be. */
const tokensPerWord = 1.9;

/** Different texts of the sample handbook. */
export class TextSource {
  readonly #words: string[];
  #next = 0;

  constructor() {
    const files = globSync("*/*.md", { cwd: handbook }).sort();
    this.#words = files.flatMap((file) => readFileSync(join(handbook, file), "utf8").split(/\s+/));
  }

  /** A text of at least so many tokens, a fifth more at most. It begins elsewhere than any other. */
  text(tokens: number): string {
    const words = Math.ceil((1.15 * tokens) / tokensPerWord);
    const start = (this.#next++ * 7_919) % this.#words.length;
    const chosen = Array.from({ length: words }, (_, place) => this.#words[(start + place) % this.#words.length]);
    return `${this.#next} ${chosen.join(" ")}`;
  }

  /** So many texts whose lengths are spread evenly, in no order of length. */
  mixed(count: number, least: number, most: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      const place = (index * 7) % count;
      return this.text((least + ((most - least) * place) / (count - 1)) / 1.15);
    });
  }
}
