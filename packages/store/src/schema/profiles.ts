import { boolean, integer, jsonb, real, smallint, text } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";
import { chunkings } from "./corpus.ts";

/** One row, of the first migration that knew it: which database this is, for what lies elsewhere and is shared. */
export const identities = reembed.table("identities", {
  id: smallint("id").primaryKey().default(1),
  name: text("name").notNull(),
});

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
