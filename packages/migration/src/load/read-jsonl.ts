import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { messageOf } from "@reembed/core";
import { z } from "zod";
import { type CorpusDocument, type CorpusEntry, toEntry } from "./corpus-entry.ts";
import { decodeUtf8, withoutByteOrderMark } from "./decode-utf8.ts";
import { maxDocumentBytes, refuseOversize } from "./document-size.ts";
import { corpusUnreadable } from "./find-corpus.ts";
import { type Line, readLines } from "./read-lines.ts";
import { refuseUnstorable } from "./refuse-unstorable.ts";
import { RefusedDocument } from "./refused-document.ts";

const Document = z.object({
  uri: z.string().min(1, "is empty"),
  title: z.string(),
  language: z.string().min(1, "is empty"),
  body: z.string(),
  metadata: z.looseObject({}).default(() => ({})),
});

const whitespace: ReadonlySet<number> = new Set(Buffer.from(" \t\r"));

/** The lines of a JSONL file, each a document. */
export async function* readJsonl(path: string): AsyncGenerator<CorpusEntry> {
  let entry: CorpusEntry | undefined;
  let blankBytes = 0;
  for await (const line of readLines(readBytes(path), maxDocumentBytes)) {
    if (isBlank(line)) {
      blankBytes += line.sizeBytes;
      continue;
    }
    if (entry !== undefined) yield entry;
    const place = `${basename(path)}:${line.number}`;
    entry = await toEntry(place, blankBytes + line.sizeBytes, () => parseDocument(line));
    blankBytes = 0;
  }
  // The last entry is yielded only here, with the empty lines after it, so that the sum equals the file's size.
  if (entry !== undefined) yield { ...entry, bytesRead: entry.bytesRead + blankBytes };
}

async function* readBytes(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path);
  } catch (error) {
    throw corpusUnreadable(path, error);
  }
}

function isBlank({ bytes }: Line): boolean {
  return bytes !== undefined && withoutByteOrderMark(bytes).every((byte) => whitespace.has(byte));
}

function parseDocument({ bytes }: Line): CorpusDocument {
  if (bytes === undefined) refuseOversize();
  const parsed = Document.safeParse(parseJson(decodeUtf8(bytes)));
  if (!parsed.success) throw new RefusedDocument(parsed.error.issues.map(describeIssue).join("; "));
  refuseUnstorable(parsed.data);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 quotes the unexpected input, including control characters, and counts lines within this line.
    const message = messageOf(error).replace(/ \(line \d+ column \d+\)$/, "");
    throw new RefusedDocument(`invalid JSON: ${message.replaceAll(/\p{Cc}+/gu, " ")}`);
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return [...path, message.replace("Invalid input: ", "")].join(": ");
}
