import { createHash } from "node:crypto";

/**
 * What happens to a text: `plain` texts get a vector, the embedder rejects `blank` ones, the model throws for `refused`
 * ones, and every worker that embeds a `deadly` one dies of it.
 */
type TextKind = "plain" | "blank" | "refused" | "deadly";

export interface Text {
  content: string;
  kind: TextKind;
  /** sha256 of the content, in hexadecimal. */
  hash: string;
}

/** Only a few, so that chunks share texts and edits are reverted. */
export const texts: readonly Text[] = [
  text("pay", "plain"),
  text("leave", "plain"),
  text("trips", "plain"),
  text("safety", "plain"),
  text("visas", "plain"),
  text("budget", "plain"),
  text("  ", "blank"),
  text("refused", "refused"),
  text("deadly", "deadly"),
];

/** The only reason for which a text may be quarantined; a plain one by `attempts_exhausted`, if workers did die. */
export const reasonOf: Readonly<Record<TextKind, string>> = {
  plain: "attempts_exhausted",
  blank: "empty_text",
  refused: "embedding_failed",
  deadly: "attempts_exhausted",
};

const byContent = new Map(texts.map((entry, index) => [entry.content, { ...entry, index }]));
const byHash = new Map(texts.map((entry, index) => [entry.hash, { ...entry, index }]));

export function findText(content: string): (Text & { index: number }) | undefined {
  return byContent.get(content);
}

export function findHash(hash: string): (Text & { index: number }) | undefined {
  return byHash.get(hash);
}

function text(content: string, kind: TextKind): Text {
  return { content, kind, hash: createHash("sha256").update(content).digest("hex") };
}
