import { sql } from "drizzle-orm";
import { bigserial, index, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";

/**
 * The triggers write here: one row for each chunk that was inserted, edited or deleted, by its id or by the key of a row
 * that has a number of ours. A row with neither means that any chunk may have changed: after a TRUNCATE, or after a
 * statement whose rows could not be evaluated. Triggers only append, so that no writer waits for another writer or for Reembed. The producer's ticks move the
 * rows to `chunk_changes`, and delete the vectors of deleted chunks.
 */
export const changeLog = reembed.table(
  "change_log",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    chunking: text("chunking").notNull(),
    chunkId: id("chunk_id"),
    key: text("key"),
    changedAt: moment("changed_at").notNull().default(sql`clock_timestamp()`),
  },
  (table) => [index("change_log_anything").on(table.chunking).where(sql`chunk_id is null and key is null`)],
);

export const chunkChanges = reembed.table(
  "chunk_changes",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    changedAt: moment("changed_at").notNull().default(sql`clock_timestamp()`),
    /** The chunk is in the queue, and is not enqueued again before this time unless the queue is empty. */
    enqueuedUntil: moment("enqueued_until"),
    /** The rank of a prioritised chunk, which searches ask for and a backfill embeds first. Null for a change. */
    priority: integer("priority"),
    /** How often a worker began to embed it. It limits the retries of a chunk that never gets a vector. */
    attempts: integer("attempts").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.profile, table.chunkId] }),
    index("chunk_changes_order").on(table.profile, table.changedAt).where(sql`priority is null`),
    index("chunk_changes_priority").on(table.profile, table.priority).where(sql`priority is not null`),
  ],
);

/** The progress of the producer in comparing a profile's vectors with the texts, a block of ids in each tick. */
export const sweeps = reembed.table("sweeps", {
  profile: text("profile").primaryKey(),
  /** The last id that was compared; null between two rounds. */
  position: id("position"),
  /** The last key of a row that was looked up among the numbers of an adopted table; null between two rounds. */
  key: text("key"),
  endedAt: moment("ended_at"),
});

/**
 * Rows of an adopted table on which an expression fails. They are read with an empty text and nothing else, so that
 * statements go on with the other rows, and are in quarantine until the expression no longer fails.
 */
export const failingRows = reembed.table(
  "failing_rows",
  {
    chunking: text("chunking").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** The name of the expression, such as `position`. */
    part: text("part").notNull(),
    /** PostgreSQL's message. */
    error: text("error").notNull(),
    checkedAt: moment("checked_at").notNull().default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.chunking, table.chunkId] })],
);
