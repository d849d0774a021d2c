import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Model } from "@reembed/core";
import { embedOne } from "@reembed/embedder";
import { Pool } from "pg";
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
  similaritySearch(query: string, k: number): Promise<{ pageContent: string }[]>;
  end(): Promise<void>;
}

async function runLangchainJs(call: LibraryCall, chunks: readonly FrameworkChunk[]): Promise<string[]> {
  const embedded: string[] = [];
  await using opened = await openLangchainJs(call, (texts) => void embedded.push(...texts));
  const ids = chunks.map(uuidOf);
  await opened.store.delete({ ids });
  if (call.action === "write") {
    const documents = chunks.map(({ text, document, position }) => ({
      pageContent: text,
      metadata: { source: document, loc: { lines: { from: position + 1, to: position + 2 } } },
    }));
    await opened.store.addDocuments(documents, { ids });
  }
  return embedded.sort();
}

/** Lets LangChain.js search. Returns the text that it finds first, and the last statement that it sent. */
export async function searchByLangchainJs(
  call: Pick<LibraryCall, "connectionString" | "model">,
  query: string,
): Promise<{ found: string | undefined; statement: { text: string; values: unknown[] } | undefined }> {
  await using opened = await openLangchainJs(call);
  const [first] = await opened.store.similaritySearch(query, 1);
  return { found: first?.pageContent, statement: opened.statements.at(-1) };
}

async function openLangchainJs(
  { connectionString, model }: Pick<LibraryCall, "connectionString" | "model">,
  onPassages: (texts: readonly string[]) => void = () => {},
) {
  const { resolve } = createRequire(join(folder, "package.json"));
  const path = resolve("@langchain/community/vectorstores/pgvector");
  const { PGVectorStore } = (await import(pathToFileURL(path).href)) as {
    PGVectorStore: { initialize(embeddings: object, options: object): Promise<LangchainStore> };
  };
  await using scope = new AsyncDisposableStack();
  const embedder = scope.use(new HashingEmbedder({ model }));
  const embed = async (text: string, as: "passage" | "query") => {
    const outcome = await embedOne(embedder, text, { as });
    return "vector" in outcome ? [...outcome.vector] : [];
  };
  const embeddings = {
    embedDocuments: async (texts: string[]) => {
      onPassages(texts);
      return await Promise.all(texts.map((text) => embed(text, "passage")));
    },
    embedQuery: async (text: string) => await embed(text, "query"),
  };
  const statements: { text: string; values: unknown[] }[] = [];
  class RecordingPool extends Pool {
    override query(...given: unknown[]): never {
      const [text, values] = given;
      if (typeof text === "string") statements.push({ text, values: Array.isArray(values) ? values : [] });
      return Reflect.apply(super.query, this, given) as never;
    }
  }
  const store = await PGVectorStore.initialize(embeddings, {
    pool: new RecordingPool({ connectionString }),
    tableName: "knowledge",
  });
  scope.defer(() => store.end());
  const owned = scope.move();
  return { store, statements, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
