import type { RankedChunk } from "@reembed/retrieval/measures";
import MiniSearch from "minisearch";
import { stemsOf } from "./words/stems.ts";

export interface IndexedChunk extends RankedChunk {
  id: number;
  content: string;
  language: string;
}

interface Entry {
  id: number;
  stems: string;
}

/**
 * A keyword search over the same chunks: BM25+ (Lv and Zhai, CIKM 2011) with MiniSearch's parameters, over stems in the
 * chunk's language. The value of a model is what it adds to this.
 */
export class Bm25Index {
  readonly #index: MiniSearch<Entry>;
  readonly #chunks: ReadonlyMap<number, IndexedChunk>;

  constructor(chunks: readonly IndexedChunk[]) {
    // Texts are stemmed beforehand, because MiniSearch processes a term without knowing its language.
    this.#index = new MiniSearch<Entry>({
      fields: ["stems"],
      tokenize: (stems) => stems.split(" "),
      processTerm: (stem) => stem,
    });
    this.#index.addAll(
      chunks.map(({ id, content, language }) => ({ id, stems: stemsOf(content, language).join(" ") })),
    );
    this.#chunks = new Map(chunks.map((chunk) => [chunk.id, chunk]));
  }

  search(text: string, language: string, limit: number): RankedChunk[] {
    const found = this.#index.search([...new Set(stemsOf(text, language))].join(" "));
    return (
      found
        // MiniSearch multiplies the sum by the number of matching words; BM25+ does not.
        .map(({ id, score, queryTerms }) => ({ id, score: score / queryTerms.length }))
        .sort((a, b) => b.score - a.score || a.id - b.id)
        .slice(0, limit)
        .map(({ id }) => {
          const { document, start, end } = this.#chunks.get(id) as IndexedChunk;
          return { document, start, end };
        })
    );
  }
}
