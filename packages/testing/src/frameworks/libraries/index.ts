import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Model } from "@reembed/core";
import { embedOne } from "@reembed/embedder";
import { HashingEmbedder } from "../../embedders/hashing-embedder.ts";
import { type FrameworkChunk, uuidOf } from "../framework-table.ts";

/** A folder that scripts/install-frameworks.sh has filled. */
const folder = process.env.FRAMEWORKS ?? "";

/** Why no library can be run; undefined if they can. */
export const librariesMissing =
  folder === "" ? "run scripts/install-frameworks.sh FOLDER and set FRAMEWORKS=FOLDER" : undefined;

/** The presets whose frameworks can be run. */
export const frameworkLibraries = ["langchain", "langchain-v2", "langchain-js", "llamaindex", "haystack"] as const;

export interface LibraryCall {
  connectionString: string;
  framework: (typeof frameworkLibraries)[number];
  action: "write" | "remove";
  model: Model;
}

/**
 * Lets a framework's own library store chunks, replacing those with the same ids, or remove them.
 * @returns The texts that it gave to its model, sorted.
 */
export async function runLibrary(call: LibraryCall, chunks: readonly FrameworkChunk[]): Promise<string[]> {
  return call.framework === "langchain-js" ? await runLangchainJs(call, chunks) : await runPython(call, chunks);
}

async function runPython(
  { connectionString, framework, action }: LibraryCall,
  chunks: readonly FrameworkChunk[],
): Promise<string[]> {
  const script = fileURLToPath(new URL("write_chunks.py", import.meta.url));
  const url = connectionString.replace(/^postgres:/, "postgresql:");
  const child = spawn(join(folder, "python/bin/python"), ["-W", "ignore", script, url, framework, action], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  child.stdin.end(JSON.stringify(chunks));
  const embedded = (await json(child.stdout)) as string[];
  const [code] = await ended;
  if (code !== 0) throw new Error(`write_chunks.py ended with ${code}`);
  return embedded;
}

/** The parts of LangChain.js' PGVectorStore that are called here. */
interface LangchainStore {
  addDocuments(documents: object[], options: { ids: string[] }): Promise<void>;
  delete(what: { ids: string[] }): Promise<void>;
  end(): Promise<void>;
}

async function runLangchainJs(
  { connectionString, action, model }: LibraryCall,
  chunks: readonly FrameworkChunk[],
): Promise<string[]> {
  const { resolve } = createRequire(join(folder, "package.json"));
  const path = resolve("@langchain/community/vectorstores/pgvector");
  const { PGVectorStore } = (await import(pathToFileURL(path).href)) as {
    PGVectorStore: { initialize(embeddings: object, options: object): Promise<LangchainStore> };
  };
  const embedded: string[] = [];
  await using embedder = new HashingEmbedder({ model });
  const embedDocuments = async (texts: string[]) => {
    embedded.push(...texts);
    const outcomes = await Promise.all(texts.map((text) => embedOne(embedder, text, { as: "passage" })));
    return outcomes.map((outcome) => ("vector" in outcome ? [...outcome.vector] : []));
  };
  const store = await PGVectorStore.initialize(
    { embedDocuments },
    { postgresConnectionOptions: { connectionString }, tableName: "knowledge" },
  );
  try {
    const ids = chunks.map(uuidOf);
    await store.delete({ ids });
    if (action === "write") {
      const documents = chunks.map(({ text, document, position }) => ({
        pageContent: text,
        metadata: { source: document, loc: { lines: { from: position + 1, to: position + 2 } } },
      }));
      await store.addDocuments(documents, { ids });
    }
  } finally {
    await store.end();
  }
  return embedded.sort();
}
