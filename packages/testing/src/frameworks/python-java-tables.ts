import {
  dimensions,
  type FrameworkChunk,
  type FrameworkTable,
  titleOf,
  uuidOf,
  vectorText,
} from "./framework-table.ts";

const embedded = ({ text }: FrameworkChunk) => text;

/** A node as LlamaIndex stores it beside its text; the file's name is not embedded, its path is. */
function llamaMetadata({ document, position, number }: FrameworkChunk): string {
  const metadata = { file_path: `/data/${document}`, file_name: document, pages: [1, 2], draft: false, author: null };
  const content = {
    ...{ id_: uuidOf({ number }), embedding: null, metadata },
    excluded_embed_metadata_keys: ["file_name", "pages"],
    ...{ start_char_idx: position, metadata_template: "{key}: {value}", metadata_separator: "\n" },
  };
  const keys = { document_id: document, doc_id: document, ref_doc_id: document };
  return JSON.stringify({ ...metadata, _node_content: JSON.stringify(content), _node_type: "TextNode", ...keys });
}

const writeLlama: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into public.data_handbook (id, text, metadata_, node_id, embedding) values ($1, $2, $3, $4, $5)`,
    values: [chunk.number, chunk.text, llamaMetadata(chunk), uuidOf(chunk), vectorText(vector)],
  },
];

const removeLlama: FrameworkTable["remove"] = (chunk) => [
  { text: "delete from public.data_handbook where node_id in ($1)", values: [uuidOf(chunk)] },
];

const writeHaystack: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into public.haystack_documents
      (id, embedding, content, blob_data, blob_meta, blob_mime_type, meta) values ($1, $2, $3, null, null, null, $4)
      on conflict (id) do update set embedding = excluded.embedding, content = excluded.content,
        blob_data = excluded.blob_data, blob_meta = excluded.blob_meta, blob_mime_type = excluded.blob_mime_type,
        meta = excluded.meta`,
    values: [
      uuidOf(chunk),
      vectorText(vector),
      chunk.text,
      JSON.stringify({ source_id: chunk.document, split_id: chunk.position, title: titleOf(chunk.document) }),
    ],
  },
];

const writeSpring: FrameworkTable["write"] = (chunk, vector) => {
  const metadata = JSON.stringify({ source: chunk.document, chunk_index: chunk.position });
  return [
    {
      text: `insert into public.vector_store (id, content, metadata, embedding) values ($1, $2, $3::jsonb, $4)
        on conflict (id) do update set content = $5, metadata = $6::jsonb, embedding = $7`,
      values: [uuidOf(chunk), chunk.text, metadata, vectorText(vector), chunk.text, metadata, vectorText(vector)],
    },
  ];
};

const writeLangchain4j: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into segments (embedding_id, embedding, text, metadata) values ($1, $2, $3, $4)
      on conflict (embedding_id) do update set
        embedding = excluded.embedding, text = excluded.text, metadata = excluded.metadata`,
    values: [
      uuidOf(chunk),
      vectorText(vector),
      chunk.text,
      JSON.stringify({ absolute_directory_path: "/data", file_name: chunk.document, index: String(chunk.position) }),
    ],
  },
];

const writeMastra: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into "my_vectors" (vector_id, embedding, metadata) values ($1, $2::vector, $3::jsonb)
      on conflict (vector_id) do update set embedding = $2::vector, metadata = $3::jsonb returning embedding::text`,
    values: [uuidOf(chunk), vectorText(vector), JSON.stringify({ text: chunk.text, source: chunk.document })],
  },
];

export const pythonAndJavaTables: FrameworkTable[] = [
  {
    preset: "llamaindex",
    table: "public.data_handbook",
    create: `create table public.data_handbook (id bigserial not null primary key, text varchar not null, metadata_ json,
        node_id varchar, embedding vector(${dimensions}));
      create index handbook_idx_1 on public.data_handbook using btree ((metadata_ ->> 'ref_doc_id'));`,
    write: writeLlama,
    rewrite: (chunk, vector) => [...removeLlama(chunk), ...writeLlama(chunk, vector)],
    remove: removeLlama,
    embedded: ({ document, text }) => `file_path: /data/${document}\ndraft: False\nauthor: None\n\n${text}`,
    says: ({ number, document, position }) => ({ id: String(number), document, position, title: document }),
  },
  {
    preset: "haystack",
    table: "public.haystack_documents",
    create: `create table public.haystack_documents (id varchar(128) primary key, embedding vector(${dimensions}),
      content text, blob_data bytea, blob_meta jsonb, blob_mime_type varchar(255), meta jsonb)`,
    write: writeHaystack,
    rewrite: writeHaystack,
    remove: (chunk) => [
      { text: "delete from public.haystack_documents where id = any($1)", values: [[uuidOf(chunk)]] },
    ],
    embedded,
    says: (chunk) => ({
      ...{ id: uuidOf(chunk), document: chunk.document, position: chunk.position },
      title: titleOf(chunk.document),
    }),
  },
  {
    preset: "spring-ai",
    table: "public.vector_store",
    create: `create extension if not exists hstore; create extension if not exists "uuid-ossp";
      create table public.vector_store (
        id uuid default uuid_generate_v4() primary key, content text, metadata json, embedding vector(${dimensions}));
      create index spring_ai_vector_index on public.vector_store using hnsw (embedding vector_cosine_ops);`,
    write: writeSpring,
    rewrite: writeSpring,
    remove: (chunk) => [{ text: "delete from public.vector_store where id = $1", values: [uuidOf(chunk)] }],
    embedded,
    says: (chunk) => ({ id: uuidOf(chunk), document: chunk.document, position: chunk.position }),
  },
  {
    preset: "langchain4j",
    table: "public.segments",
    create: `create table segments (
      embedding_id uuid primary key, embedding vector(${dimensions}), text text null, metadata json null)`,
    write: writeLangchain4j,
    rewrite: writeLangchain4j,
    remove: (chunk) => [{ text: "delete from segments where embedding_id = any($1)", values: [[uuidOf(chunk)]] }],
    embedded,
    says: (chunk) => ({ id: uuidOf(chunk), document: `/data/${chunk.document}`, position: chunk.position }),
  },
  {
    preset: "mastra",
    table: "public.my_vectors",
    create: `create table "my_vectors" (id serial primary key, vector_id text unique not null,
        embedding vector(${dimensions}), metadata jsonb default '{}'::jsonb);
      create index my_vectors_vector_idx on "my_vectors" using ivfflat (embedding vector_cosine_ops) with (lists = 1);`,
    write: writeMastra,
    rewrite: writeMastra,
    remove: (chunk) => [{ text: `delete from "my_vectors" where vector_id = $1`, values: [uuidOf(chunk)] }],
    embedded,
    says: (chunk) => ({ id: uuidOf(chunk), document: chunk.document }),
  },
];
