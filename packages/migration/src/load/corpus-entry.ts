import { RefusedDocument } from "./refused-document.ts";

export interface CorpusDocument {
  uri: string;
  title: string;
  language: string;
  body: string;
  metadata: Record<string, unknown>;
}

export interface CorpusProblem {
  /** `ru/01.md` or `corpus.jsonl:812`. */
  place: string;
  /** A single line. */
  reason: string;
}

/** `bytesRead` is the size of this entry in the corpus, for progress bars. */
export type CorpusEntry =
  | { kind: "document"; document: CorpusDocument; bytesRead: number }
  | { kind: "problem"; problem: CorpusProblem; bytesRead: number };

/** The document that `read` returns, or the problem for which it rejects the document. */
export async function toEntry(
  place: string,
  bytesRead: number,
  read: () => CorpusDocument | Promise<CorpusDocument>,
): Promise<CorpusEntry> {
  try {
    return { kind: "document", document: await read(), bytesRead };
  } catch (error) {
    if (!(error instanceof RefusedDocument)) throw error;
    return { kind: "problem", problem: { place, reason: error.message }, bytesRead };
  }
}
