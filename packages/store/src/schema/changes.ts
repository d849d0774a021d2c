import { isNull, sql } from "drizzle-orm";
import { bigserial, index, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";

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
