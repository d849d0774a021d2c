import { formatCount, formatTable } from "@reembed/core";
import type { QuarantinedChunk } from "@reembed/store/embeddings";

const shownCharacters = 500;

/** The reasons with their counts, followed by the chunks. */
export function describeList(
  profile: string,
  reasons: readonly { reason: string; chunks: number }[],
  chunks: readonly QuarantinedChunk[],
): string {
  if (reasons.length === 0) return `No chunk of ${profile} is in quarantine.`;
  const counts = formatTable([
    ["reason", "chunks"],
    ...reasons.map(({ reason, chunks }) => [reason, formatCount(chunks)]),
  ]);
  const header = ["chunk", "reason", "document", "detail"];
  const rows = chunks.map(({ chunkId, reason, uri, detail }) => [`${chunkId}`, reason, uri ?? "", detail]);
  return `${counts}\n\n${formatTable([header, ...rows], header.length)}`;
}

export function describeChunk(chunk: QuarantinedChunk & { content: string }): string {
  const { chunkId, documentId, title, uri, reason, detail, attempts, lastSeen, content } = chunk;
  const text = content.length > shownCharacters ? `${content.slice(0, shownCharacters)}…` : content;
  const document = [title, uri].filter((name) => name !== null).join(", ");
  const table = formatTable(
    [
      ["chunk", `${chunkId}`],
      ["document", `${document} (${documentId})`],
      ["reason", reason],
      ["detail", detail],
      ["attempts", `${attempts}, the last ${lastSeen.toISOString()}`],
    ],
    2,
  );
  return `${table}\n\n${text}`;
}
