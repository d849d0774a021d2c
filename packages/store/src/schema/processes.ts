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
