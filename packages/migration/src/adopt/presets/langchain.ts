import { numberIn, type Preset } from "./preset.ts";

const community = "https://github.com/langchain-ai/langchainjs-community/blob/main/libs/community/src/vectorstores";

/** What LangChain's loaders and splitters write, in both languages. */
function langchainParts(metadata: string) {
  return {
    document: `${metadata}->>'source'`,
    title: `${metadata}->>'title'`,
    language: `${metadata}->>'language'`,
    metadata,
  };
}

/** With `loc`, the splitters of LangChain.js say where a chunk is in its document. */
const linesFrom = numberIn(`"metadata"#>>'{loc,lines,from}'`);

export const langchainPresets: Preset[] = [
  {
    name: "langchain",
    framework: "LangChain for Python, PGVector of langchain-postgres",
    source: "https://github.com/langchain-ai/langchain-postgres/blob/main/langchain_postgres/vectorstores.py",
    tables: /^langchain_pg_embedding$/,
    columns: { id: "text", collection_id: "uuid", embedding: "vector", document: "text", cmetadata: "json" },
    distinctive: true,
    parts: {
      id: ["id"],
      content: `"document"`,
      embedding: `"embedding"`,
      ...langchainParts(`"cmetadata"`),
      position: numberIn(`"cmetadata"->>'start_index'`),
    },
    collections: "collection_id",
    notes: ["Chunks have an order only if the splitter was made with add_start_index=True."],
    settings: {
      schema: "connection: postgresql+psycopg://…?options=-csearch_path%3D{schema},public",
      model: "the embeddings object that PGVector is given",
      upserts: true,
    },
  },
  {
    name: "langchain-community",
    framework: "LangChain for Python, PGVector of langchain-community",
    source:
      "https://github.com/langchain-ai/langchain-community/blob/main/libs/community/langchain_community/vectorstores/pgvector.py",
    tables: /^langchain_pg_embedding$/,
    columns: { uuid: "uuid", collection_id: "uuid", embedding: "vector", document: "text", cmetadata: "json" },
    distinctive: true,
    parts: {
      id: ["uuid"],
      content: `"document"`,
      embedding: `"embedding"`,
      ...langchainParts(`"cmetadata"`),
      position: numberIn(`"cmetadata"->>'start_index'`),
    },
    collections: "collection_id",
    notes: ["Chunks have an order only if the splitter was made with add_start_index=True."],
    settings: {
      schema: "connection_string: postgresql+psycopg2://…?options=-csearch_path%3D{schema},public",
      model: "the embedding_function that PGVector is given",
    },
  },
  {
    name: "langchain-v2",
    framework: "LangChain for Python, PGVectorStore of langchain-postgres",
    source: "https://github.com/langchain-ai/langchain-postgres/blob/main/langchain_postgres/v2/engine.py",
    tables: /./,
    columns: { langchain_id: ["uuid", "text", "whole"], content: "text", embedding: "vector" },
    distinctive: true,
    parts: {
      id: ["langchain_id"],
      content: `"content"`,
      embedding: `"embedding"`,
      ...langchainParts(`"langchain_metadata"`),
      position: numberIn(`"langchain_metadata"->>'start_index'`),
    },
    notes: ["Chunks have an order only if the splitter was made with add_start_index=True."],
    settings: {
      schema: 'PGVectorStore.create(…, schema_name="{schema}"): its statements name the schema',
      model: "the embedding_service that PGVectorStore is given",
      upserts: true,
    },
  },
  {
    name: "n8n",
    framework: "n8n, Postgres PGVector Store",
    source:
      "https://github.com/n8n-io/n8n/blob/master/packages/@n8n/nodes-langchain/nodes/vector_store/VectorStorePGVector/VectorStorePGVector.node.ts",
    tables: /^n8n_vectors/,
    columns: { id: "uuid", text: "text", metadata: "json", embedding: "vector" },
    distinctive: false,
    parts: {
      id: ["id"],
      content: `"text"`,
      embedding: `"embedding"`,
      ...langchainParts(`"metadata"`),
      position: linesFrom,
    },
    collections: "collection_id",
    settings: {
      schema: "ALTER ROLE <the credential's user> SET search_path = {schema}, public",
      model: "the embeddings node of every workflow that reads or writes the table",
    },
  },
  {
    name: "flowise",
    framework: "Flowise, Postgres vector store",
    source:
      "https://github.com/FlowiseAI/Flowise/blob/main/packages/components/nodes/vectorstores/Postgres/driver/TypeORM.ts",
    tables: /^documents$/,
    columns: { id: "uuid", pageContent: "text", metadata: "json", embedding: "vector" },
    distinctive: true,
    parts: {
      id: ["id"],
      content: `"pageContent"`,
      embedding: `"embedding"`,
      ...langchainParts(`"metadata"`),
      position: linesFrom,
    },
    settings: {
      schema: 'the node\'s Additional Configuration: {"options": "-c search_path={schema},public"}',
      model: "the embeddings node of the chatflow, and of the document store",
    },
  },
  {
    name: "langchain-js",
    framework: "LangChain.js, PGVectorStore",
    source: `${community}/pgvector.ts`,
    tables: /./,
    columns: { id: "uuid", text: "text", metadata: "json", embedding: "vector" },
    distinctive: true,
    parts: {
      id: ["id"],
      content: `"text"`,
      embedding: `"embedding"`,
      ...langchainParts(`"metadata"`),
      position: linesFrom,
    },
    collections: "collection_id",
    settings: {
      schema: 'PGVectorStore.initialize(…, { schemaName: "{schema}" }), or search_path in the connection string',
      model: "the embeddings that PGVectorStore is given",
    },
  },
];
