import { randomUUID } from "node:crypto";
import { type Chunking, chunkText } from "@reembed/core";
import { type Embedder, embedOne } from "@reembed/embedder";
import pg from "pg";

/** The tables of another retrieval system, with a role of its own, that knows nothing of Reembed. */
export interface Application extends AsyncDisposable {
  /** The only connection of the application's process, with its own role. */
  readonly client: pg.Client;
  /** Opens another connection with its role. */
  connect(): Promise<pg.Client>;
  /** Cuts a text, embeds it and stores the chunks under a document's key, as the application's pipeline does. */
  write(document: string, body: string): Promise<void>;
}

export interface ApplicationOptions {
  connectionString: string;
  embedder: Embedder;
  chunking: Chunking;
  /** Creates a table `public.articles`, to whose `slug` the chunks refer. */
  articles?: boolean;
}

/**
 * Creates `public.document_chunks` with an HNSW index and columns that Reembed does not know. On a server with a single
 * session there is no separate role.
 */
export async function createApplication(options: ApplicationOptions & { ownRole: boolean }): Promise<Application> {
  const { connectionString, embedder, chunking, articles = false, ownRole } = options;
  const admin = await connect(connectionString);
  const role = `app_${randomUUID().slice(0, 8)}`;
  await admin.query("create extension if not exists vector");
  if (articles) {
    await admin.query(`create table public.articles (
      slug text primary key, url text, headline text, lang text, full_text text, author text not null default 'nobody')`);
  }
  await admin.query(`create table public.document_chunks (
    id serial primary key, document_id text not null ${articles ? "references public.articles on delete cascade" : ""},
    chunk_index int not null, content text not null, embedding vector(${embedder.model.dimensions}),
    tenant text not null, checksum text not null unique, views int not null default 0)`);
  await admin.query("create index on public.document_chunks using hnsw (embedding vector_cosine_ops)");
  await admin.query("create index on public.document_chunks (document_id)");
  const url = new URL(connectionString);
  if (ownRole) {
    await admin.query(`create role ${role} login`);
    for (const table of articles ? ["articles", "document_chunks"] : ["document_chunks"]) {
      await admin.query(`alter table public.${table} owner to ${role}`);
    }
    url.username = role;
  }
  await admin.end();
  const scope = new AsyncDisposableStack();
  const open = async () => scope.adopt(await connect(url.href), (client) => client.end());
  const client = await open();
  return {
    client,
    connect: open,
    async write(document, body) {
      const rows = await Promise.all(
        chunkText(body, chunking).map(async ({ position, content }) => {
          const outcome = await embedOne(embedder, content, { as: "passage" });
          const vector = "vector" in outcome ? `[${outcome.vector.join()}]` : null;
          return { document, position, content, vector, checksum: randomUUID() };
        }),
      );
      await client.query(
        `insert into document_chunks (document_id, chunk_index, content, embedding, tenant, checksum)
         select document, position, content, vector::vector, 'acme', checksum
         from json_to_recordset($1) as r (document text, position int, content text, vector text, checksum text)`,
        [JSON.stringify(rows)],
      );
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}
