import type { GuardWindow, RolloutStage } from "@reembed/core";
import { isNull, sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";

/** All tables live in a schema of their own, so that an adopted database keeps its names. */
export const reembed = pgSchema("reembed");

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
/** pgvector's half-precision vector without a fixed length: a partition's check constraint gives it one. */
const anyHalfvec = customType<{ data: Buffer }>({ dataType: () => "halfvec" });
/** The number of a transaction, which is never given twice. */
const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });
const id = (name: string) => bigint(name, { mode: "number" });
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const documents = reembed.table("documents", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  uri: text("uri").notNull().unique(),
  /** Of an adopted corpus: the key that the application knows this document by, as text. */
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
  /** What its chunks are read from, as SQL writes it: a partition of `chunks`, or a view over an adopted table. */
  relation: text("relation").notNull(),
  /** Of an adopted chunking; null where the chunks are ours. */
  source: jsonb("source").$type<ChunkSource>(),
});

/** One row, of the first migration that knew it: which database this is, for what lies elsewhere and is shared. */
export const identities = reembed.table("identities", {
  id: smallint("id").primaryKey().default(1),
  name: text("name").notNull(),
});

/**
 * Documents whose text has changed otherwise than by `storeDocuments`, which are to be cut again: by their `source_key`
 * in an adopted corpus, by their `uri` in a loaded one. A row per transaction, so that no writer waits for another.
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
  /** The table of chunks, as SQL writes it: `"public"."document_chunks"`. */
  table: string;
  id: string;
  content: string;
  embedding: string;
  /** The column with the document's key, and the one with the chunk's place in it. */
  document: string;
  position: string;
  /** The table of documents where there is one; without it a document is its chunks. */
  documents?: {
    table: string;
    key: string;
    uri?: string | undefined;
    title?: string | undefined;
    language?: string | undefined;
    body?: string | undefined;
  };
}

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

/** Where chunks of an adopted table are in their document's body, `[start, end)` in code points; missing is unknown. */
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

/**
 * `adopting`: the vectors of an adopted table are being copied. `backfilled`: no chunk at or below the backfill's target
 * is without a vector; what changes is embedded as it comes, and may be waiting. `retired`: its vectors are gone.
 */
export type ProfileState = "registered" | "adopting" | "backfilling" | "backfilled" | "retired";

export type BackfillOrder = "id" | "newest" | "most-searched";

/** The ANN index of a profile as it was measured, and the setting at which it reached its target. */
export interface AnnSettings {
  kind: "hnsw" | "ivfflat";
  /** hnsw.ef_search or ivfflat.probes. */
  breadth: number;
  /** Of the index against exact search, on average over the sample; rounded down. */
  recall10: number;
  targetRecall: number;
  sample: number;
  /** Chunks whose vectors the index does not find by themselves: searches look at these exactly. Missing means none. */
  unreachable?: number[];
  measuredAt: string;
}

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
  /** Every chunk up to here was enqueued once; in the order `newest`, every one from here on. */
  backfillCursor: id("backfill_cursor").notNull().default(0),
  /** The newest chunk when the backfill began; a later one is a change. */
  backfillTarget: id("backfill_target").notNull().default(0),
  backfillOrder: text("backfill_order").$type<BackfillOrder>().notNull().default("id"),
  /** Share of the chunks at which the backfill holds, from 0 to 1; null is all of them. */
  backfillUntil: real("backfill_until"),
  /** Chunks a second at most; null is as many as the workers take. */
  backfillRate: real("backfill_rate"),
  paused: boolean("paused").notNull().default(false),
  /** Why the last tick enqueued less than it could, for a person; null when it did not. */
  held: text("held"),
  /** What `reembed estimate` foretold, as it printed it. */
  estimate: jsonb("estimate").$type<Record<string, unknown>>(),
  ann: jsonb("ann").$type<AnnSettings>(),
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
    /** Tokens of the text; those beyond the model's limit were cut off and are counted beside it. Null where the vector was adopted. */
    tokenCount: integer("token_count"),
    truncatedTokens: integer("truncated_tokens"),
    modelRevision: text("model_revision").notNull(),
    embeddedAt: moment("embedded_at").notNull().defaultNow(),
  },
  (table) => [
    // The chunk first: its deletion looks for it here without knowing the profiles.
    primaryKey({ columns: [table.chunkId, table.profile] }),
    // A text that was seen before is not embedded again.
    index("chunk_embeddings_content_hash").on(table.contentHash),
  ],
);

/**
 * What triggers write: a row per chunk that was inserted, edited or deleted, and a row without a chunk when all of them
 * went at once. Triggers only append, so that no writer waits for another or for us; the producer's ticks move the rows
 * to `chunk_changes`, and remove what is left of chunks that are gone.
 */
export const changeLog = reembed.table(
  "change_log",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    chunking: text("chunking").notNull(),
    chunkId: id("chunk_id"),
    changedAt: moment("changed_at").notNull().default(sql`clock_timestamp()`),
  },
  (table) => [index("change_log_truncations").on(table.chunking).where(isNull(table.chunkId))],
);

export const chunkChanges = reembed.table(
  "chunk_changes",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** A time that never comes is of a leader: a chunk that searches ask for, which a backfill takes first. */
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

/** How far the producer is with holding a profile's vectors against the texts, a block of ids at a time. */
export const sweeps = reembed.table("sweeps", {
  profile: text("profile").primaryKey(),
  /** The last id that was looked at; null between two rounds. */
  position: id("position"),
  endedAt: moment("ended_at"),
});

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

/** Hosts whose clock is not the database's, as their processes found: a row stays while it is so. */
export const wrongClocks = reembed.table("wrong_clocks", {
  host: text("host").primaryKey(),
  /** Milliseconds that the host is ahead of the database; less than 0 is behind. */
  aheadMs: doublePrecision("ahead_ms").notNull(),
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

/** What `reembed verify` found, the newest last. */
export const verifications = reembed.table("verifications", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  profile: text("profile").notNull(),
  verifiedAt: moment("verified_at").notNull().defaultNow(),
  passed: boolean("passed").notNull(),
  report: jsonb("report").$type<Record<string, unknown>>().notNull(),
});

/** What `reembed evaluate` found, the newest last. */
export const evaluations = reembed.table("evaluations", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  baseline: text("baseline").notNull(),
  candidate: text("candidate").notNull(),
  evaluatedAt: moment("evaluated_at").notNull().defaultNow(),
  verdict: text("verdict").$type<EvaluationVerdict>().notNull(),
  report: jsonb("report").$type<Record<string, unknown>>().notNull(),
});

/** Of the candidate against the baseline: worse or better beyond doubt, or neither; `unjudged` without judgements. */
export type EvaluationVerdict = "better" | "worse" | "undecided" | "unjudged";

/** One row decides traffic; it changes by compare-and-set on its version. */
export const rollouts = reembed.table("rollouts", {
  id: smallint("id").primaryKey().default(1),
  baseline: text("baseline").notNull(),
  candidate: text("candidate").notNull(),
  stage: text("stage").$type<RolloutStage>().notNull().default("baseline"),
  /** Share of subjects that the candidate answers, 0 to 100. */
  percent: real("percent").notNull().default(0),
  /** Share of the baseline's requests that the candidate answers too, unseen, 0 to 100. */
  shadowPercent: real("shadow_percent").notNull().default(0),
  /** Goes into every subject's bucket, so that two rollouts do not try the same people first. */
  salt: text("salt").notNull(),
  version: integer("version").notNull().default(1),
  changedAt: moment("changed_at").notNull().defaultNow(),
});

export const rolloutEvents = reembed.table("rollout_events", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  changedAt: moment("changed_at").notNull().defaultNow(),
  /** Who: a person's name, or `guardrail`. */
  changedBy: text("changed_by").notNull(),
  fromStage: text("from_stage").$type<RolloutStage>().notNull(),
  fromPercent: real("from_percent").notNull(),
  toStage: text("to_stage").$type<RolloutStage>().notNull(),
  toPercent: real("to_percent").notNull(),
  reason: text("reason").notNull(),
  /** The proofs that were missing or had failed and were overruled, each with the reason why. */
  overruled: jsonb("overruled").$type<Record<string, string>>().notNull().default({}),
  /** How the baseline answered until then: what the candidate is held against when nobody asks the baseline any more. */
  baselineWindow: jsonb("baseline_window").$type<GuardWindow>(),
});

/** One row per search, written after the answer; a shadow's answer is a row of its own with `shadow_of`. */
export const searchEvents = reembed.table(
  "search_events",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    requestId: uuid("request_id").notNull(),
    searchedAt: moment("searched_at").notNull().default(sql`clock_timestamp()`),
    profile: text("profile").notNull(),
    /** The profile that answered, where this is a shadow's answer that nobody saw. */
    shadowOf: text("shadow_of"),
    /** Null where queries are not logged. */
    query: text("query"),
    tookMs: real("took_ms").notNull(),
    results: integer("results").notNull(),
    chunkIds: bigint("chunk_ids", { mode: "number" }).array().notNull().default([]),
    scores: real("scores").array().notNull().default([]),
    /** A code, where the search failed. */
    error: text("error"),
    /** Of a shadow's ten best documents against the answer's: share in common, and rank correlation of those. */
    overlap10: real("overlap10"),
    rankCorrelation: real("rank_correlation"),
  },
  (table) => [
    index("search_events_profile").on(table.profile, table.searchedAt),
    index("search_events_request").on(table.requestId),
  ],
);

export type FeedbackKind = "helpful" | "unhelpful" | "clicked";

export const searchFeedback = reembed.table(
  "search_feedback",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    requestId: uuid("request_id").notNull(),
    chunkId: id("chunk_id").notNull(),
    kind: text("kind").$type<FeedbackKind>().notNull(),
    givenAt: moment("given_at").notNull().defaultNow(),
  },
  (table) => [index("search_feedback_request").on(table.requestId)],
);
