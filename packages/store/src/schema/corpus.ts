import { sql } from "drizzle-orm";
import { bigserial, index, integer, jsonb, primaryKey, text, unique } from "drizzle-orm/pg-core";
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
  /**
   * What SQL reads its chunks from, without an alias: the quoted name of a partition of `chunks`, or a subquery over an
   * adopted table. Not a view, because a view would keep the application from changing the columns of its table.
   */
  relation: text("relation").notNull(),
  /** The keys of an adopted table's rows as text, as a subquery; null unless its chunks have numbers of ours. */
  keys: text("keys"),
  /** What an adopted table's expressions give for each row, as a subquery; null unless one of them may fail on a row. */
  expressions: text("expressions"),
  /** Set for an adopted chunking; null where Reembed cut the chunks. */
  source: jsonb("source").$type<AdoptedSource>(),
});

/**
 * The numbers of an adopted table's rows, where the table has no whole number of its own for each row. A number is never
 * given again, not even to a row that comes back.
 */
export const chunkKeys = reembed.table(
  "chunk_keys",
  {
    chunking: text("chunking").notNull(),
    id: bigserial("id", { mode: "number" }).notNull(),
    /** The row's key as text. */
    key: text("key").notNull(),
  },
  (table) => [primaryKey({ columns: [table.chunking, table.id] }), unique().on(table.chunking, table.key)],
);

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

/** Where an adopted chunking's rows are. Everything but the tables is an SQL expression over the columns of its table. */
export interface ChunkSource {
  /** The table of chunks as SQL writes it. */
  table: string;
  /** The columns of the key, one or several. */
  id: string[];
  content: string;
  embedding: string;
  /** The key of the chunk's document. Without it, each row is a document of its own. */
  document?: string | undefined;
  /** The chunk's position in its document. Without it, chunks are in the order of their ids. */
  position?: string | undefined;
  title?: string | undefined;
  language?: string | undefined;
  metadata?: string | undefined;
  /** Which rows are chunks of this corpus; by default all. */
  where?: string | undefined;
  /** Whether new profiles embed the same rows (`keep`) or cut the documents themselves (`cut`, also if missing). */
  chunks?: "keep" | "cut";
  /** The table of documents, if there is one. Without it, a document is the sequence of its chunks. */
  documents?: DocumentSource | undefined;
}

export interface DocumentSource {
  table: string;
  key: string;
  uri?: string | undefined;
  title?: string | undefined;
  language?: string | undefined;
  body?: string | undefined;
}

/** A source whose tables exist, with what the catalogue says about it. Columns are quoted, and tables have their schema. */
export interface AdoptedSource extends ChunkSource {
  /** The types in which the columns of the key are compared, such that its index is used. */
  idTypes: string[];
  /** The type in which keys of documents are compared, such that an index on them is used. */
  documentType: string;
  /** Whether chunks have numbers of ours, in `chunk_keys`. Otherwise the key is the chunk's id. */
  numbered: boolean;
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
