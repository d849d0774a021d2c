import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import type { CorpusDocument, CorpusEntry } from "../src/load/corpus-entry.ts";
import { readCorpus } from "../src/load/read-corpus.ts";

export const document: CorpusDocument = { uri: "a", title: "A", language: "en", body: "Text.", metadata: {} };

/** A JSONL line of a document with these fields. */
export function lineOf(fields: object): string {
  return JSON.stringify({ ...document, ...fields });
}

export async function jsonlOf(...lines: string[]): Promise<string> {
  return join(await folderOf({ "corpus.jsonl": lines.join("\n") }), "corpus.jsonl");
}

export async function read(path: string) {
  const entries = await Array.fromAsync(readCorpus(path));
  return {
    documents: entries.flatMap((entry) => (entry.kind === "document" ? [entry.document] : [])),
    problems: entries.flatMap((entry) => (entry.kind === "problem" ? [entry.problem] : [])),
    bytesRead: sumOf(entries),
  };
}

export function sumOf(entries: CorpusEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.bytesRead, 0);
}
