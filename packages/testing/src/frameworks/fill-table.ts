import { chunkText, type Model } from "@reembed/core";
import { embedOne } from "@reembed/embedder";
import type pg from "pg";
import { HashingEmbedder } from "../embedders/hashing-embedder.ts";
import type { FrameworkChunk, FrameworkTable, Statement } from "./framework-table.ts";

/** Two documents of three chunks each, as a framework's splitter hands them over. */
export function someChunks(): FrameworkChunk[] {
  const documents = ["guide-1", "guide-2"];
  return documents
    .flatMap((document) => {
      const body = [1, 2, 3].map((part) => `${document} part ${part}: ${`word${part} `.repeat(15)}`).join("\n\n");
      return chunkText(body, { size: 130, overlap: 0 }).map(({ content, position }) => ({
        document,
        position,
        text: content,
      }));
    })
    .map((chunk, index) => ({ number: index + 1, ...chunk }));
}

/** The vector that a framework's model makes of a chunk. */
export async function embedFor(table: FrameworkTable, chunk: FrameworkChunk, model: Model): Promise<number[]> {
  await using embedder = new HashingEmbedder({ model });
  const outcome = await embedOne(embedder, table.embedded(chunk), { as: "passage" });
  if (!("vector" in outcome)) throw new Error(`${table.embedded(chunk)} cannot be embedded`);
  return [...outcome.vector];
}

export async function runAll(client: pg.ClientBase, statements: readonly Statement[]): Promise<void> {
  for (const { text, values } of statements) await client.query(text, values);
}

/** Creates a framework's table and stores chunks in it, with the framework's own statements. */
export async function fillTable(
  client: pg.ClientBase,
  table: FrameworkTable,
  { model, chunks = someChunks() }: { model: Model; chunks?: readonly FrameworkChunk[] },
): Promise<void> {
  await client.query("create extension if not exists vector");
  await client.query(table.create);
  for (const chunk of chunks) await runAll(client, table.write(chunk, await embedFor(table, chunk, model)));
}
