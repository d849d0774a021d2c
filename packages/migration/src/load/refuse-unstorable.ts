import type { CorpusDocument } from "./corpus-entry.ts";
import { RefusedDocument } from "./refused-document.ts";

// An index row of PostgreSQL has at most 2,704 bytes. A single longer uri would fail its whole transaction.
const maxUriBytes = 2_000;

// JSON.parse accepts any depth, but JSON.stringify and jsonb overflow the stack at a few thousand levels.
const maxMetadataDepth = 100;

/** Rejects a document that has no text, or that PostgreSQL cannot store. */
export function refuseUnstorable({ uri, title, language, body, metadata }: CorpusDocument): void {
  if (!/\S/.test(body)) throw new RefusedDocument("has no text");
  if (Buffer.byteLength(uri) > maxUriBytes) throw new RefusedDocument(`uri: is longer than ${maxUriBytes} bytes`);
  refuseText(body, "");
  refuseText(uri, "uri: ");
  refuseText(title, "title: ");
  refuseText(language, "language: ");
  refuseMetadata(metadata, maxMetadataDepth);
}

function refuseMetadata(value: unknown, depthLeft: number): void {
  if (typeof value === "string") refuseText(value, "metadata: ");
  if (typeof value !== "object" || value === null) return;
  if (depthLeft === 0) throw new RefusedDocument(`metadata: is nested deeper than ${maxMetadataDepth} levels`);
  for (const [key, inner] of Object.entries(value)) {
    refuseText(key, "metadata: ");
    refuseMetadata(inner, depthLeft - 1);
  }
}

function refuseText(text: string, field: string): void {
  if (text.includes("\0")) {
    throw new RefusedDocument(`${field}contains a NUL character, which PostgreSQL cannot store`);
  }
  if (!text.isWellFormed()) {
    throw new RefusedDocument(`${field}contains a lone surrogate at character ${loneSurrogatePosition(text)}`);
  }
}

/** Counted from 1, in code points like all other positions. */
function loneSurrogatePosition(text: string): number {
  let position = 1;
  for (const character of text) {
    if (!character.isWellFormed()) break;
    position++;
  }
  return position;
}
