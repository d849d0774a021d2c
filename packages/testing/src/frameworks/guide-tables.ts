import { dimensions, type FrameworkChunk, type FrameworkTable, titleOf, vectorText } from "./framework-table.ts";

const embedded = ({ text }: FrameworkChunk) => text;

/** Each document has the number that its name ends with. */
function documentId(document: string): number {
  return Number(/\d+$/.exec(document)?.[0] ?? 0);
}

const says = ({ number, document, position }: FrameworkChunk) => ({
  ...{ id: String(number), document: String(documentId(document)), position },
});

const deleteById = (table: string): FrameworkTable["remove"] => {
  return ({ number }) => [{ text: `delete from ${table} where id = $1`, values: [number] }];
};

export const guideTables: FrameworkTable[] = [
  {
    preset: "supabase",
    table: "public.documents",
    create: `create table documents (id bigserial primary key, content text, metadata jsonb, embedding vector(${dimensions}));
      create function match_documents (query_embedding vector(${dimensions}), match_count int default null,
        filter jsonb default '{}')
      returns table (id bigint, content text, metadata jsonb, similarity float) language plpgsql as $$
      #variable_conflict use_column
      begin
        return query select id, content, metadata, 1 - (documents.embedding <=> query_embedding) as similarity
        from documents where metadata @> filter order by documents.embedding <=> query_embedding limit match_count;
      end; $$;`,
    write: ({ number, text, document, position }, vector) => [
      {
        text: `insert into documents (id, content, metadata, embedding) values ($1, $2, $3, $4)
          on conflict (id) do update set
            content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding`,
        values: [
          ...[number, text],
          JSON.stringify({ source: document, loc: { lines: { from: position, to: position } } }),
          vectorText(vector),
        ],
      },
    ],
    rewrite: ({ number, text }, vector) => [
      {
        text: "update documents set content = $2, embedding = $3 where id = $1",
        values: [number, text, vectorText(vector)],
      },
    ],
    remove: deleteById("documents"),
    embedded,
    says: ({ number, document, position }) => ({ id: String(number), document, position }),
  },
  {
    preset: "supabase-sections",
    table: "public.document_sections",
    create: `create table documents (id bigint primary key generated always as identity, name text not null,
        created_at timestamptz not null default now());
      create table document_sections (id bigint primary key generated always as identity,
        document_id bigint not null references documents (id) on delete cascade, content text not null,
        embedding vector(${dimensions}));
      create index on document_sections using hnsw (embedding vector_ip_ops);`,
    write: ({ number, text, document }, vector) => [
      {
        text: `insert into documents (id, name) overriding system value values ($1, $2) on conflict do nothing`,
        values: [documentId(document), titleOf(document)],
      },
      {
        text: `insert into document_sections (id, document_id, content, embedding) overriding system value
          values ($1, $2, $3, $4)`,
        values: [number, documentId(document), text, vectorText(vector)],
      },
    ],
    rewrite: ({ number, text }, vector) => [
      {
        text: "update document_sections set content = $2, embedding = $3 where id = $1",
        values: [number, text, vectorText(vector)],
      },
    ],
    remove: deleteById("document_sections"),
    embedded,
    says: ({ number, document }) => ({ id: String(number), document: String(documentId(document)) }),
  },
  {
    preset: "vercel",
    table: "public.embeddings",
    create: `create table "resources" ("id" varchar(191) primary key not null, "content" text not null,
        "created_at" timestamp default now() not null, "updated_at" timestamp default now() not null);
      create table "embeddings" ("id" varchar(191) primary key not null,
        "resource_id" varchar(191) references "resources" ("id") on delete cascade, "content" text not null,
        "embedding" vector(${dimensions}) not null);
      create index "embeddingIndex" on "embeddings" using hnsw ("embedding" vector_cosine_ops);`,
    write: ({ number, text, document }, vector) => [
      {
        text: `insert into "resources" ("id", "content") values ($1, $2) on conflict do nothing`,
        values: [document, `The body of ${document}.`],
      },
      {
        text: `insert into "embeddings" ("id", "resource_id", "content", "embedding") values ($1, $2, $3, $4)`,
        values: [`chunk-${number}`, document, text, vectorText(vector)],
      },
    ],
    rewrite: ({ number, text }, vector) => [
      {
        text: `update "embeddings" set "content" = $2, "embedding" = $3 where "id" = $1`,
        values: [`chunk-${number}`, text, vectorText(vector)],
      },
    ],
    remove: ({ number }) => [{ text: `delete from "embeddings" where "id" = $1`, values: [`chunk-${number}`] }],
    embedded,
    says: ({ number, document }) => ({ id: `chunk-${number}`, document }),
  },
  {
    preset: "django",
    table: "public.rag_chunk",
    create: `create table "rag_document" ("id" bigint not null primary key generated by default as identity,
        "title" varchar(255) not null, "source" varchar(1024) not null);
      create table "rag_chunk" ("id" bigint not null primary key generated by default as identity,
        "chunk_index" integer not null, "text" text not null, "embedding" vector(${dimensions}) null,
        "document_id" bigint not null references "rag_document" ("id") deferrable initially deferred);
      create index on "rag_chunk" ("document_id");
      create index "chunk_embedding_hnsw" on "rag_chunk" using hnsw ("embedding" vector_cosine_ops)
        with (m = 16, ef_construction = 64);`,
    write: ({ number, text, document, position }, vector) => [
      {
        text: `insert into "rag_document" ("id", "title", "source") values ($1, $2, $3) on conflict do nothing`,
        values: [documentId(document), titleOf(document), document],
      },
      {
        text: `insert into "rag_chunk" ("id", "chunk_index", "text", "embedding", "document_id")
          values ($1, $2, $3, $4, $5)`,
        values: [number, position, text, vectorText(vector), documentId(document)],
      },
    ],
    rewrite: ({ number, text }, vector) => [
      {
        text: `update "rag_chunk" set "text" = $2, "embedding" = $3 where "rag_chunk"."id" = $1`,
        values: [number, text, vectorText(vector)],
      },
    ],
    remove: deleteById(`"rag_chunk"`),
    embedded,
    says,
  },
  {
    preset: "rails",
    table: "public.article_chunks",
    create: `create table "documents" ("id" bigserial primary key, "title" character varying, "url" character varying,
        "created_at" timestamp(6) not null default now(), "updated_at" timestamp(6) not null default now());
      create table "article_chunks" ("id" bigserial primary key, "document_id" bigint not null references "documents",
        "position" integer not null, "content" text, "embedding" vector(${dimensions}),
        "created_at" timestamp(6) not null, "updated_at" timestamp(6) not null);
      create index "index_article_chunks_on_embedding" on "article_chunks" using hnsw ("embedding" vector_cosine_ops);`,
    write: ({ number, text, document, position }, vector) => [
      {
        text: `insert into "documents" ("id", "title", "url") values ($1, $2, $3) on conflict do nothing`,
        values: [documentId(document), titleOf(document), `https://example.org/${document}`],
      },
      {
        text: `insert into "article_chunks"
            ("id", "document_id", "position", "content", "embedding", "created_at", "updated_at")
          values ($1, $2, $3, $4, $5, now(), now()) returning "id"`,
        values: [number, documentId(document), position, text, vectorText(vector)],
      },
    ],
    rewrite: ({ number, text }, vector) => [
      {
        text: `update "article_chunks" set "content" = $2, "embedding" = $3, "updated_at" = now()
          where "article_chunks"."id" = $1`,
        values: [number, text, vectorText(vector)],
      },
    ],
    remove: deleteById(`"article_chunks"`),
    embedded,
    says,
  },
];
