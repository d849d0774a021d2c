import { numberIn, type Preset } from "./preset.ts";

const node = `(("metadata_"->>'_node_content')::json)`;
/** Values as Python writes them into a text. */
const pythonValue = `case json_typeof(m.value)
    when 'string' then m.value #>> '{}' when 'boolean' then initcap(m.value #>> '{}') when 'null' then 'None'
    else m.value::text end`;
/**
 * LlamaIndex embeds the metadata above the text, but for the keys that the node excludes, in the node's order: `key: value`
 * by line, and an empty line.
 */
const llamaIndexText = `coalesce((select string_agg(m.key || ': ' || ${pythonValue}, E'\\n' order by m.place) || E'\\n\\n'
  from json_each(${node}->'metadata') with ordinality m (key, value, place)
  where not coalesce((${node}->'excluded_embed_metadata_keys')::jsonb ? m.key, false)), '') || "text"`;

/** The file or address that LangChain4j's loaders read a document from. */
const langchain4jDocument = `coalesce("metadata"->>'url', "metadata"->>'document_id',
  nullif(concat_ws('/', "metadata"->>'absolute_directory_path', "metadata"->>'file_name'), ''))`;

export const frameworkPresets: Preset[] = [
  {
    name: "llamaindex",
    framework: "LlamaIndex, PGVectorStore",
    source:
      "https://github.com/run-llama/llama_index/blob/main/llama-index-integrations/vector_stores/llama-index-vector-stores-postgres/llama_index/vector_stores/postgres/base.py",
    tables: /^data_/,
    columns: { id: "whole", text: "text", metadata_: "json", node_id: "text", embedding: "vector" },
    distinctive: true,
    parts: {
      id: ["id"],
      content: llamaIndexText,
      embedding: `"embedding"`,
      document: `nullif("metadata_"->>'ref_doc_id', 'None')`,
      position: numberIn(`${node}->>'start_char_idx'`),
      title: `"metadata_"->>'file_name'`,
      metadata: `"metadata_"`,
    },
    notes: ["The embedded text is the metadata above the text, as LlamaIndex writes it without templates of its own."],
    settings: {
      schema: 'PGVectorStore.from_params(…, schema_name="{schema}"): its statements name the schema',
      model: "Settings.embed_model, or the embed_model of the index",
    },
  },
  {
    name: "haystack",
    framework: "Haystack, PgvectorDocumentStore",
    source:
      "https://github.com/deepset-ai/haystack-core-integrations/blob/main/integrations/pgvector/src/haystack_integrations/document_stores/pgvector/document_store.py",
    tables: /^haystack_/,
    columns: { id: "text", embedding: "vector", content: "text", blob_meta: "json", meta: "json" },
    distinctive: true,
    parts: {
      id: ["id"],
      content: `"content"`,
      embedding: `"embedding"`,
      document: `"meta"->>'source_id'`,
      position: numberIn(`"meta"->>'split_id'`),
      title: `"meta"->>'title'`,
      language: `"meta"->>'language'`,
      metadata: `"meta"`,
    },
    settings: {
      schema: 'PgvectorDocumentStore(schema_name="{schema}"): its statements name the schema',
      model: "the model of the document embedder and of the text embedder",
      type: "vector",
      upserts: true,
    },
  },
  {
    name: "spring-ai",
    framework: "Spring AI, PgVectorStore",
    source:
      "https://github.com/spring-projects/spring-ai/blob/main/vector-stores/spring-ai-pgvector-store/src/main/java/org/springframework/ai/vectorstore/pgvector/PgVectorStore.java",
    tables: /vector_store/,
    columns: { id: ["uuid", "text", "whole"], content: "text", metadata: "json", embedding: "vector" },
    distinctive: false,
    parts: {
      id: ["id"],
      content: `"content"`,
      embedding: `"embedding"`,
      document: `coalesce("metadata"->>'parent_document_id', "metadata"->>'source')`,
      position: numberIn(`"metadata"->>'chunk_index'`),
      title: `"metadata"->>'title'`,
      language: `"metadata"->>'language'`,
      metadata: `"metadata"`,
    },
    settings: {
      schema: "spring.ai.vectorstore.pgvector.schema-name={schema}: its statements name the schema",
      model: "the EmbeddingModel, such as spring.ai.openai.embedding.options.model",
      upserts: true,
    },
  },
  {
    name: "langchain4j",
    framework: "LangChain4j, PgVectorEmbeddingStore",
    source:
      "https://github.com/langchain4j/langchain4j/blob/main/langchain4j-pgvector/src/main/java/dev/langchain4j/store/embedding/pgvector/PgVectorEmbeddingStore.java",
    tables: /./,
    columns: { embedding_id: "uuid", embedding: "vector", text: "text" },
    distinctive: true,
    parts: {
      id: ["embedding_id"],
      content: `"text"`,
      embedding: `"embedding"`,
      document: langchain4jDocument,
      position: numberIn(`"metadata"->>'index'`),
      title: `"metadata"->>'title'`,
      language: `"metadata"->>'language'`,
      metadata: `"metadata"`,
    },
    notes: ["With metadata in columns of their own, name the document's column with --document."],
    settings: {
      schema: 'PgVectorEmbeddingStore.builder().table("{schema}.<table>")',
      model: "the EmbeddingModel of the ingestor and of the retriever",
      type: "vector",
      upserts: true,
    },
  },
  {
    name: "mastra",
    framework: "Mastra, PgVector",
    source: "https://github.com/mastra-ai/mastra/blob/main/stores/pg/src/vector/index.ts",
    tables: /./,
    columns: { vector_id: "text", embedding: "vector", metadata: "json" },
    distinctive: true,
    parts: {
      id: ["vector_id"],
      content: `"metadata"->>'text'`,
      embedding: `"embedding"`,
      document: `coalesce("metadata"->>'source', "metadata"->>'docId')`,
      title: `"metadata"->>'title'`,
      language: `"metadata"->>'language'`,
      metadata: `"metadata"`,
    },
    notes: ["The text is in the metadata, under `text` unless --content says otherwise."],
    settings: {
      schema: 'new PgVector({ schemaName: "{schema}" }): it reads the table from the catalogue',
      model: "the embedder of the agent's memory or of the tool that searches",
      type: "vector",
      upserts: true,
    },
  },
];
