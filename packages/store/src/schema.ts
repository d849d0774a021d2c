import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  customType,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  real,
  text,
  timestamp,
} from "drizzle-orm/pg-core";

/** All tables live in a schema of their own, so that an adopted database keeps its names. */
export const reembed = pgSchema("reembed");

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
/** pgvector's half-precision vector without a fixed length: a partition's check constraint gives it one. */
const anyHalfvec = customType<{ data: Buffer }>({ dataType: () => "halfvec" });
const id = (name: string) => bigint(name, { mode: "number" });
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const documents = reembed.table("documents", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  uri: text("uri").notNull().unique(),
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
  /** What its chunks are read from: a partition of `chunks`, written as SQL writes it. */
  relation: text("relation").notNull(),
});

/** Partitioned by chunking. The keys are the partitions' own, because a partition is read and referenced by itself. */
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

export type ProfileState = "registered" | "backfilling" | "complete";

export const profiles = reembed.table("profiles", {
  name: text("name").primaryKey(),
  chunking: text("chunking")
    .notNull()
    .references(() => chunkings.name),
  model: text("model").notNull(),
  revision: text("revision").notNull(),
  dimensions: integer("dimensions").notNull(),
  searchLimit: integer("search_limit").notNull(),
  similarityThreshold: real("similarity_threshold").notNull(),
  state: text("state").$type<ProfileState>().notNull().default("registered"),
  /** Every chunk up to here was enqueued once. */
  backfillCursor: id("backfill_cursor").notNull().default(0),
  /** The newest chunk when the backfill began; a later one is a change. */
  backfillTarget: id("backfill_target").notNull().default(0),
  createdAt: moment("created_at").notNull().defaultNow(),
  completedAt: moment("completed_at"),
});

/** Partitioned by profile. */
export const chunkEmbeddings = reembed.table(
  "chunk_embeddings",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** sha256 of the text that was embedded, in UTF-8. */
    contentHash: bytea("content_hash").notNull(),
    embedding: anyHalfvec("embedding").notNull(),
    /** Tokens of the text; those beyond the model's limit were cut off and are counted beside it. */
    tokenCount: integer("token_count").notNull(),
    truncatedTokens: integer("truncated_tokens").notNull(),
    modelRevision: text("model_revision").notNull(),
    embeddedAt: moment("embedded_at").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.profile, table.chunkId] })],
);

export const chunkChanges = reembed.table(
  "chunk_changes",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    changedAt: moment("changed_at").notNull().default(sql`clock_timestamp()`),
    /** Already in the queue; not enqueued again before this moment unless the queue is empty. */
    enqueuedUntil: moment("enqueued_until"),
    /** Times that a worker began to embed it; bounds the retries of a chunk that never gets a vector. */
    attempts: integer("attempts").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.profile, table.chunkId] }),
    index("chunk_changes_order").on(table.profile, table.changedAt),
  ],
);

export const quarantinedChunks = reembed.table(
  "quarantined_chunks",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** Of the text that could not be embedded: another text is tried again. */
    contentHash: bytea("content_hash").notNull(),
    reason: text("reason").notNull(),
    detail: text("detail").notNull(),
    attempts: integer("attempts").notNull().default(1),
    firstSeen: moment("first_seen").notNull().defaultNow(),
    lastSeen: moment("last_seen").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.profile, table.chunkId] })],
);

/** Heartbeats: BullMQ knows neither device nor rate, and its list of workers is incomplete on PostgreSQL. */
export const workers = reembed.table("workers", {
  id: text("id").primaryKey(),
  host: text("host").notNull(),
  pid: integer("pid").notNull(),
  profile: text("profile").notNull(),
  device: text("device").notNull(),
  modelRevision: text("model_revision").notNull(),
  chunksPerSecond: real("chunks_per_second").notNull(),
  tokensPerSecond: real("tokens_per_second").notNull(),
  startedAt: moment("started_at").notNull().defaultNow(),
  seenAt: moment("seen_at").notNull().defaultNow(),
});

/** What was embedded in each minute, by all workers of a profile: the history behind the overview's chart. */
export const throughput = reembed.table(
  "throughput",
  {
    profile: text("profile").notNull(),
    minute: moment("minute").notNull(),
    chunks: integer("chunks").notNull(),
    tokens: id("tokens").notNull(),
  },
  (table) => [primaryKey({ columns: [table.profile, table.minute] })],
);
