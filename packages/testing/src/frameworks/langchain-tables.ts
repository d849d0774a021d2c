import {
  dimensions,
  type FrameworkChunk,
  type FrameworkTable,
  titleOf,
  uuidOf,
  vectorText,
} from "./framework-table.ts";

const collection = "00000000-0000-4000-9000-000000000001";

/** What the loaders and splitters of LangChain for Python write. */
function pythonMetadata({ document, position }: FrameworkChunk): string {
  return JSON.stringify({ source: document, title: titleOf(document), language: "en", start_index: position });
}

/** What the loaders and splitters of LangChain.js write: lines count from 1. */
function scriptMetadata({ document, position }: FrameworkChunk): string {
  const lines = { from: position + 1, to: position + 2 };
  return JSON.stringify({ source: document, title: titleOf(document), loc: { lines } });
}

const embedded = ({ text }: FrameworkChunk) => text;

const pythonSays = (chunk: FrameworkChunk) => ({
  id: uuidOf(chunk),
  document: chunk.document,
  position: chunk.position,
  title: titleOf(chunk.document),
});

const collections = (metadata: string) => `
  create table langchain_pg_collection (
    uuid uuid not null primary key, name varchar not null unique, cmetadata ${metadata});
  insert into langchain_pg_collection values ('${collection}', 'docs', '{}');`;

/** A table of LangChain.js' PGVectorStore, which n8n and Flowise use too. */
function scriptTable(preset: string, table: string, content: string): FrameworkTable {
  const write: FrameworkTable["write"] = (chunk, vector) => [
    {
      text: `insert into ${table} ("${content}", "embedding", "metadata", "id") values ($1, $2, $3, $4)`,
      values: [chunk.text, vectorText(vector), scriptMetadata(chunk), uuidOf(chunk)],
    },
  ];
  const remove: FrameworkTable["remove"] = (chunk) => [
    { text: `delete from ${table} where id = any($1::uuid[])`, values: [[uuidOf(chunk)]] },
  ];
  return {
    ...{ preset, table: `public.${table}`, write, remove, embedded },
    create: `create table ${table} (
      "id" uuid not null default gen_random_uuid() primary key, "${content}" text, "metadata" jsonb, "embedding" vector)`,
    rewrite: (chunk, vector) => [...remove(chunk), ...write(chunk, vector)],
    says: (chunk) => ({ ...pythonSays(chunk), position: chunk.position + 1 }),
  };
}

const langchain: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into langchain_pg_embedding (id, collection_id, embedding, document, cmetadata)
      values ($1::varchar, $2::uuid, $3, $4::varchar, $5::jsonb)
      on conflict (id) do update set
        embedding = excluded.embedding, document = excluded.document, cmetadata = excluded.cmetadata`,
    values: [uuidOf(chunk), collection, vectorText(vector), chunk.text, pythonMetadata(chunk)],
  },
];

const community: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into langchain_pg_embedding (collection_id, embedding, document, cmetadata, custom_id, uuid)
      values ($1, $2, $3, $4, $5, $6)`,
    values: [collection, vectorText(vector), chunk.text, pythonMetadata(chunk), uuidOf(chunk), uuidOf(chunk)],
  },
];

const removeCommunity: FrameworkTable["remove"] = (chunk) => [
  { text: "delete from langchain_pg_embedding where custom_id = any($1)", values: [[uuidOf(chunk)]] },
];

const second: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into "public"."handbook"("langchain_id", "content", "embedding", "langchain_metadata")
      values ($1, $2, $3, $4) on conflict ("langchain_id") do update set "content" = excluded."content",
      "embedding" = excluded."embedding", "langchain_metadata" = excluded."langchain_metadata"`,
    values: [uuidOf(chunk), chunk.text, vectorText(vector), pythonMetadata(chunk)],
  },
];

export const langchainTables: FrameworkTable[] = [
  {
    preset: "langchain",
    table: "public.langchain_pg_embedding",
    create: `${collections("json")}
      create table langchain_pg_embedding (
        id varchar not null primary key, collection_id uuid references langchain_pg_collection (uuid) on delete cascade,
        embedding vector, document varchar, cmetadata jsonb);
      create index ix_cmetadata_gin on langchain_pg_embedding using gin (cmetadata jsonb_path_ops);`,
    write: langchain,
    rewrite: langchain,
    remove: (chunk) => [
      {
        text: "delete from langchain_pg_embedding where collection_id = $1 and id in ($2)",
        values: [collection, uuidOf(chunk)],
      },
    ],
    embedded,
    says: pythonSays,
  },
  {
    preset: "langchain-community",
    table: "public.langchain_pg_embedding",
    create: `${collections("json")}
      create table langchain_pg_embedding (
        collection_id uuid references langchain_pg_collection (uuid) on delete cascade, embedding vector,
        document varchar, cmetadata json, custom_id varchar, uuid uuid not null primary key)`,
    write: community,
    rewrite: (chunk, vector) => [...removeCommunity(chunk), ...community(chunk, vector)],
    remove: removeCommunity,
    embedded,
    says: pythonSays,
  },
  {
    preset: "langchain-v2",
    table: "public.handbook",
    create: `create table "public"."handbook" ("langchain_id" uuid primary key, "content" text not null,
      "embedding" vector(${dimensions}) not null, "langchain_metadata" json)`,
    write: second,
    rewrite: second,
    remove: (chunk) => [
      { text: `delete from "public"."handbook" where langchain_id in ($1)`, values: [uuidOf(chunk)] },
    ],
    embedded,
    says: pythonSays,
  },
  scriptTable("langchain-js", "knowledge", "text"),
  scriptTable("n8n", "n8n_vectors", "text"),
  scriptTable("flowise", "documents", "pageContent"),
];
