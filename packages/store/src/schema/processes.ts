import { doublePrecision, integer, primaryKey, real, text } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";

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
  /** Why it does not go on, as a message for the operator: a key that is refused, a budget that is spent. Null if it does. */
  waitsFor: text("waits_for"),
});

/** Hosts whose clock differs from the database's. Their own processes write the row, and remove it when the clock is right. */
export const wrongClocks = reembed.table("wrong_clocks", {
  host: text("host").primaryKey(),
  /** By how many milliseconds the host is ahead of the database; negative if it is behind. */
  aheadMs: doublePrecision("ahead_ms").notNull(),
  seenAt: moment("seen_at").notNull().defaultNow(),
});

/** How many chunks all workers of a profile embedded in each minute. The chart of the overview shows it. */
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
