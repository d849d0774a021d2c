import { type Chunking, chunkText } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import { readCorpus } from "@reembed/migration/load";
import type { Database } from "@reembed/store/database";
import type { ChunkSource } from "@reembed/store/schema";

/** The options of `reembed adopt` for the tables below. */
export const oldTables: ChunkSource = {
  table: "handbook_app.document_chunks",
  id: ["id"],
  content: "content",
  embedding: "embedding",
  document: "document_id",
  position: "chunk_index",
  chunks: "cut",
  documents: { table: "handbook_app.documents", key: "id", uri: "path", title: "title", language: "language" },
};

/** Like the small table of an application in its first year. */
const schema = (dimensions: number) => `
  create schema if not exists handbook_app;
  create table if not exists handbook_app.documents (
    id integer generated always as identity primary key,
    path text not null unique, title text not null, language text not null, owner text not null default 'hr'
  );
  create table if not exists handbook_app.document_chunks (
    id serial primary key,
    document_id integer not null references handbook_app.documents on delete cascade,
    chunk_index integer not null, content text not null, embedding vector(${dimensions}),
    created_at timestamptz not null default now(), unique (document_id, chunk_index)
  );
  create index if not exists document_chunks_embedding on handbook_app.document_chunks
    using hnsw (embedding vector_cosine_ops);`;

/** Drops its tables with all rows. */
export async function dropOldSystem({ $client }: Database): Promise<void> {
  await $client.query("drop schema if exists handbook_app cascade");
}

/**
 * Plays the application that the demo migrates, with its own tables, chunks, vectors and statements, without any knowledge
 * of Reembed. It stores documents' texts only as chunks. Existing rows stay.
 */
export async function buildOldSystem(
  { $client }: Database,
  { corpus, chunking, embedder }: { corpus: string; chunking: Chunking; embedder: Embedder },
): Promise<{ documents: number; chunks: number }> {
  await $client.query(schema(embedder.model.dimensions));
  for await (const entry of readCorpus(corpus)) {
    if (entry.kind === "problem") throw new Error(`${entry.problem.place} ${entry.problem.reason}`);
    const { uri, title, language, body } = entry.document;
    const { rows } = await $client.query<{ id: number }>(
      `insert into handbook_app.documents (path, title, language) values ($1, $2, $3)
       on conflict (path) do nothing returning id`,
      [uri, title, language],
    );
    const [inserted] = rows;
    if (inserted === undefined) continue;
    const texts = chunkText(body, chunking).map(({ content }) => content);
    for await (const outcomes of embedder.embed(texts, { as: "passage" })) {
      for (const outcome of outcomes) {
        const vector = "vector" in outcome ? `[${outcome.vector.join(",")}]` : null;
        await $client.query(
          `insert into handbook_app.document_chunks (document_id, chunk_index, content, embedding)
           values ($1, $2, $3, $4::vector)`,
          [inserted.id, outcome.index, texts[outcome.index], vector],
        );
      }
    }
  }
  const { rows } = await $client.query<{ documents: number; chunks: number }>(
    `select (select count(*)::int from handbook_app.documents) as documents,
       (select count(*)::int from handbook_app.document_chunks) as chunks`,
  );
  return rows[0] ?? { documents: 0, chunks: 0 };
}
