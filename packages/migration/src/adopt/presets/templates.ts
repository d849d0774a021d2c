import type { Preset } from "./preset.ts";

/** What people build by a guide: the shape is usual, the names are not fixed. */
export const templatePresets: Preset[] = [
  {
    name: "vercel",
    framework: "Vercel's AI SDK, RAG template",
    source: "https://github.com/vercel/ai-sdk-rag-starter/blob/main/lib/db/schema/resources.ts",
    tables: /^embeddings$/,
    columns: { id: "text", resource_id: "text", content: "text", embedding: "vector" },
    distinctive: true,
    parts: { id: ["id"], content: `"content"`, embedding: `"embedding"`, document: `"resource_id"` },
    documents: { through: "resource_id", body: ["content"] },
    settings: {
      schema: "DATABASE_URL=postgresql://…?options=-csearch_path%3D{schema},public",
      model: "embeddingModel in lib/ai/embedding.ts",
    },
  },
  {
    name: "django",
    framework: "Django with pgvector, a table of chunks",
    source: "https://github.com/pgvector/pgvector-python#django",
    tables: /^[a-z0-9]+_\w*chunks?$/,
    columns: { id: "whole", document_id: "whole", text: "text", embedding: "vector", chunk_index: "whole" },
    distinctive: false,
    parts: {
      id: ["id"],
      content: `"text"`,
      embedding: `"embedding"`,
      document: `"document_id"`,
      position: `"chunk_index"`,
      metadata: `"metadata"`,
    },
    documents: {
      through: "document_id",
      uri: ["source", "url"],
      title: ["title", "name"],
      language: ["language"],
      body: ["body", "text", "content"],
    },
    settings: {
      schema: 'DATABASES["default"]["OPTIONS"] = {"options": "-c search_path={schema},public"}',
      model: "the model that fills VectorField, and that embeds queries for CosineDistance",
    },
  },
  {
    name: "rails",
    framework: "Rails with the neighbor gem",
    source: "https://github.com/ankane/neighbor",
    tables: /(chunks|sections|passages|embeddings)$/,
    columns: {
      id: ["whole", "uuid"],
      content: "text",
      embedding: "vector",
      created_at: "timestamp",
      updated_at: "timestamp",
    },
    distinctive: false,
    parts: {
      id: ["id"],
      content: `"content"`,
      embedding: `"embedding"`,
      document: `"document_id"`,
      position: `"position"`,
      metadata: `"metadata"`,
    },
    documents: {
      through: "document_id",
      uri: ["url", "uri", "slug"],
      title: ["title", "name"],
      language: ["language", "locale"],
      body: ["body", "content"],
    },
    settings: {
      schema: "schema_search_path: {schema},public in config/database.yml",
      model: "the model that fills has_neighbors, and that embeds queries for nearest_neighbors",
    },
  },
];
