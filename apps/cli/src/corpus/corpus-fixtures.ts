import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type CorpusDocument, type CorpusEntry, readCorpus } from "./read-corpus.ts";

export const document: CorpusDocument = { uri: "a", title: "A", language: "en", body: "Text.", metadata: {} };

/** A JSONL line of a document with these fields. */
export function lineOf(fields: object): string {
  return JSON.stringify({ ...document, ...fields });
}

/** Creates a folder with these files. */
export async function folderOf(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-corpus-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
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
