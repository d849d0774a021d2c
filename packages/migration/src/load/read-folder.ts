import { readFile } from "node:fs/promises";
import { parse } from "node:path";
import { messageOf } from "@reembed/core";
import { type CorpusDocument, type CorpusEntry, toEntry } from "./corpus-entry.ts";
import { decodeUtf8 } from "./decode-utf8.ts";
import { deriveTitle } from "./derive-title.ts";
import { maxDocumentBytes, refuseOversize } from "./document-size.ts";
import { refuseUnstorable } from "./refuse-unstorable.ts";
import { RefusedDocument } from "./refused-document.ts";
import { type FoundFile, walkFolder } from "./walk-folder.ts";

const languages = new Intl.DisplayNames("en", { type: "language", fallback: "none" });

/** The .txt and .md files of a folder, each a document. */
export async function* readFolder(folder: string): AsyncGenerator<CorpusEntry> {
  for await (const file of walkFolder(folder)) {
    yield await toEntry(file.uri, file.sizeBytes, () => readDocument(file));
  }
}

async function readDocument(file: FoundFile): Promise<CorpusDocument> {
  const body = decodeUtf8(await readBytes(file));
  const document = {
    uri: file.uri,
    title: deriveTitle(body, parse(file.path).name),
    language: languageOf(file.uri),
    body,
    metadata: {},
  };
  refuseUnstorable(document);
  return document;
}

async function readBytes({ path, sizeBytes, unreadable }: FoundFile): Promise<Buffer> {
  if (unreadable !== undefined) throw new RefusedDocument(`cannot be read: ${unreadable}`);
  if (sizeBytes > maxDocumentBytes) refuseOversize();
  try {
    return await readFile(path);
  } catch (error) {
    throw new RefusedDocument(`cannot be read: ${messageOf(error)}`);
  }
}

/** `ru` for `ru/01.md`; "und" (undetermined, ISO 639-2) if the first folder is not a two-letter language code. */
function languageOf(uri: string): string {
  const folder = /^([a-z]{2})\//.exec(uri)?.[1];
  return folder !== undefined && languages.of(folder) !== undefined ? folder : "und";
}
