import {
  dimensions,
  type FrameworkChunk,
  type FrameworkTable,
  titleOf,
  uuidOf,
  vectorText,
} from "./framework-table.ts";

const embedded = ({ text }: FrameworkChunk) => text;
/** Open WebUI's PGVECTOR_INITIALIZE_MAX_VECTOR_LENGTH. */
const paddedLength = 1_536;

function padded(vector: readonly number[]): string {
  return vectorText([...vector, ...Array<number>(paddedLength - vector.length).fill(0)]);
}

const openWebuiMetadata = ({ document, position }: FrameworkChunk) =>
  JSON.stringify({ file_id: document, name: titleOf(document), start_index: position });

const writeDify: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: "insert into embedding_vector_index_a1_node (id, text, meta, embedding) values ($1, $2, $3, $4)",
    values: [
      uuidOf(chunk),
      chunk.text,
      JSON.stringify({ doc_id: uuidOf(chunk), document_id: chunk.document, dataset_id: "a1" }),
      vectorText(vector),
    ],
  },
];

const removeDify: FrameworkTable["remove"] = (chunk) => [
  { text: "delete from embedding_vector_index_a1_node where id in ($1)", values: [uuidOf(chunk)] },
];

const writePage: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into crawled_pages (id, url, chunk_number, content, metadata, source_id, embedding)
      values ($1, $2, $3, $4, '{"chunk_size": 5}', 'example.org', $5)`,
    values: [chunk.number, chunk.document, chunk.position, chunk.text, vectorText(vector)],
  },
];

const removePage: FrameworkTable["remove"] = ({ document, position }) => [
  { text: "delete from crawled_pages where url = $1 and chunk_number = $2", values: [document, position] },
];

const writeCode: FrameworkTable["write"] = (chunk, vector) => [
  {
    text: `insert into code_examples (id, url, chunk_number, content, summary, metadata, source_id, embedding)
      values ($1, $2, $3, $4, 'what it does', '{}', 'example.org', $5)`,
    values: [chunk.number, chunk.document, chunk.position, chunk.text, vectorText(vector)],
  },
];

const removeCode: FrameworkTable["remove"] = ({ document, position }) => [
  { text: "delete from code_examples where url = $1 and chunk_number = $2", values: [document, position] },
];

const says = ({ number, document, position }: FrameworkChunk) => ({ id: String(number), document, position });

const crawled = (table: string, column: string) => `
  create table sources (source_id text primary key, summary text, total_word_count integer default 0);
  insert into sources values ('example.org');
  create table ${table} (id bigserial primary key, url varchar not null, chunk_number integer not null,
    content text not null, ${column} metadata jsonb not null default '{}'::jsonb,
    source_id text not null references sources (source_id), embedding vector(${dimensions}),
    created_at timestamptz not null default timezone('utc'::text, now()), unique (url, chunk_number));
  create index on ${table} using ivfflat (embedding vector_cosine_ops);`;

export const applicationTables: FrameworkTable[] = [
  {
    preset: "open-webui",
    table: "public.document_chunk",
    create: `create table document_chunk (id text not null primary key, vector vector(${paddedLength}),
        collection_name text not null, text text, vmetadata jsonb);
      create index idx_document_chunk_vector on document_chunk using ivfflat (vector vector_cosine_ops) with (lists = 100);
      create index idx_document_chunk_collection_name on document_chunk (collection_name);`,
    write: (chunk, vector) => [
      {
        text: `insert into document_chunk (id, vector, collection_name, text, vmetadata) values ($1, $2, 'kb', $3, $4)`,
        values: [uuidOf(chunk), padded(vector), chunk.text, openWebuiMetadata(chunk)],
      },
    ],
    rewrite: (chunk, vector) => [
      {
        text: "update document_chunk set vector = $2, text = $3, vmetadata = $4 where document_chunk.id = $1",
        values: [uuidOf(chunk), padded(vector), chunk.text, openWebuiMetadata(chunk)],
      },
    ],
    remove: (chunk) => [
      {
        text: "delete from document_chunk where collection_name = 'kb' and id in ($1)",
        values: [uuidOf(chunk)],
      },
    ],
    embedded,
    says: (chunk) => ({
      ...{ id: uuidOf(chunk), document: `kb/${chunk.document}`, position: chunk.position },
      title: titleOf(chunk.document),
    }),
  },
  {
    preset: "dify",
    table: "public.embedding_vector_index_a1_node",
    create: `create table embedding_vector_index_a1_node (id uuid primary key, text text not null, meta jsonb not null,
        embedding vector(${dimensions}) not null) using heap;
      create index embedding_cosine_v1_idx_ab on embedding_vector_index_a1_node
        using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 64);`,
    write: writeDify,
    rewrite: (chunk, vector) => [...removeDify(chunk), ...writeDify(chunk, vector)],
    remove: removeDify,
    embedded,
    says: (chunk) => ({ id: uuidOf(chunk), document: chunk.document }),
  },
  {
    preset: "crawl4ai",
    table: "public.crawled_pages",
    create: crawled("crawled_pages", ""),
    write: writePage,
    rewrite: (chunk, vector) => [...removePage(chunk), ...writePage(chunk, vector)],
    remove: removePage,
    embedded,
    says,
  },
  {
    preset: "crawl4ai-code",
    table: "public.code_examples",
    create: crawled("code_examples", "summary text not null,"),
    write: writeCode,
    rewrite: (chunk, vector) => [...removeCode(chunk), ...writeCode(chunk, vector)],
    remove: removeCode,
    embedded: ({ text }) => `${text}\n\nSummary: what it does`,
    says,
  },
];
