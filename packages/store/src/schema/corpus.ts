import { sql } from "drizzle-orm";
import { bigserial, index, integer, jsonb, primaryKey, text } from "drizzle-orm/pg-core";
import { id, moment, reembed, xid8 } from "./columns.ts";

export const documents = reembed.table("documents", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  uri: text("uri").notNull().unique(),
  /** In an adopted corpus, the application's own key of this document, as text. */
  sourceKey: text("source_key").unique(),
  title: text("title").notNull(),
  language: text("language").notNull(),
  body: text("body").notNull(),
  metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

export const chunkings = reembed.table("chunkings", {
  name: text("name").primaryKey(),
  size: integer("size").notNull(),
  overlap: integer("overlap").notNull(),
  /** The quoted name of the relation with its chunks: a partition of `chunks`, or a view over an adopted table. */
  relation: text("relation").notNull(),
  /** Set for an adopted chunking; null where Reembed cut the chunks. */
  source: jsonb("source").$type<ChunkSource>(),
});

/**
 * Documents whose text was changed by something other than `storeDocuments`, and which must be cut again. The key is the
 * `source_key` in an adopted corpus and the `uri` in a loaded one. Each transaction adds its own row, so that no writer
 * waits for another.
 */
export const documentChanges = reembed.table(
  "document_changes",
  {
    key: text("key").notNull(),
    transaction: xid8("transaction").notNull().default(sql`pg_current_xact_id()`),
    changedAt: moment("changed_at").notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    primaryKey({ columns: [table.key, table.transaction] }),
    index("document_changes_order").on(table.changedAt),
  ],
);

/** Where an adopted chunking's rows are: the application's own tables and columns. */
export interface ChunkSource {
  /** The quoted name of the table of chunks: `"public"."document_chunks"`. */
  table: string;
  id: string;
  content: string;
  embedding: string;
  /** The columns with the document's key and with the chunk's position in the document. */
  document: string;
  position: string;
  /** Whether new profiles embed the same rows (`keep`) or cut the documents themselves (`cut`, also if missing). */
  chunks?: "keep" | "cut";
  /** The table of documents, if there is one. Without it, a document is the sequence of its chunks. */
  documents?: {
    table: string;
    key: string;
    uri?: string | undefined;
    title?: string | undefined;
    language?: string | undefined;
    body?: string | undefined;
  };
}

/** Partitioned by chunking. Each partition has its own keys, because queries and foreign keys use the partition directly. */
export const chunks = reembed.table(
  "chunks",
  {
    chunking: text("chunking").notNull(),
    id: bigserial("id", { mode: "number" }).notNull(),
    documentId: id("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    position: integer("position").notNull(),
    startOffset: integer("start_offset").notNull(),
    endOffset: integer("end_offset").notNull(),
    content: text("content").notNull(),
  },
  (table) => [index("chunks_document").on(table.documentId)],
);

/** Where the chunks of an adopted table are in their document's body, `[start, end)` in code points. No row: unknown. */
export const chunkOffsets = reembed.table(
  "chunk_offsets",
  {
    chunking: text("chunking").notNull(),
    chunkId: id("chunk_id").notNull(),
    documentId: id("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    startOffset: integer("start_offset").notNull(),
    endOffset: integer("end_offset").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.chunking, table.chunkId] }),
    index("chunk_offsets_document").on(table.documentId),
  ],
);
