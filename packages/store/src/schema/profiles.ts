import { boolean, doublePrecision, foreignKey, integer, jsonb, real, smallint, text } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";
import { chunkings } from "./corpus.ts";
import { models } from "./models.ts";

/** One row with a random name of this database. Keys on a queue server that several databases share contain the name. */
export const identities = reembed.table("identities", {
  id: smallint("id").primaryKey().default(1),
  name: text("name").notNull(),
});

/**
 * `adopting`: the vectors of an adopted table are being copied. `backfilled`: no chunk at or below the backfill's target
 * is without a vector; later changes are embedded as they come, and some may be waiting. `retired`: the vectors are
 * deleted.
 */
export type ProfileState = "registered" | "adopting" | "backfilling" | "backfilled" | "retired";

export type BackfillOrder = "id" | "newest" | "most-searched";

/** The ANN index of a profile: its measured recall, and the setting at which it reached the target. */
export interface AnnSettings {
  kind: "hnsw" | "ivfflat";
  /** hnsw.ef_search or ivfflat.probes. */
  searchSetting: number;
  /** Recall@10 of the index against exact search: the average over the sample, rounded down. */
  recall10: number;
  targetRecall: number;
  sample: number;
  /** Chunks that the index does not find with their own vector. Searches compare these exactly. Missing means none. */
  unreachable?: number[];
  measuredAt: string;
}

export const profiles = reembed.table(
  "profiles",
  {
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
    /** Every chunk up to this id was enqueued once; in the order `newest`, every chunk from this id on. */
    backfillCursor: id("backfill_cursor").notNull().default(0),
    /** The highest chunk id when the backfill began. A later chunk is treated as a change. */
    backfillTarget: id("backfill_target").notNull().default(0),
    backfillOrder: text("backfill_order").$type<BackfillOrder>().notNull().default("id"),
    /** The share of the chunks at which the backfill stops, from 0 to 1; null means all of them. */
    backfillUntil: real("backfill_until"),
    /** Maximum chunks per second; null means no limit. */
    backfillRate: real("backfill_rate"),
    paused: boolean("paused").notNull().default(false),
    /** Why the last tick enqueued less than it could, as a message for the operator; null if it did not. */
    throttleReason: text("held"),
    /** The result of `reembed estimate`, as it was printed. */
    estimate: jsonb("estimate").$type<Record<string, unknown>>(),
    ann: jsonb("ann").$type<AnnSettings>(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** When its backfill was complete. It stays if few vectors were lost and the backfill starts again. */
    completedAt: moment("completed_at"),
  },
  (table) => [foreignKey({ columns: [table.model, table.revision], foreignColumns: [models.id, models.revision] })],
);

/** What embedding servers were paid for a profile. A table of its own, because every request changes the row. */
export const spendings = reembed.table("spendings", {
  profile: text("profile")
    .primaryKey()
    .references(() => profiles.name, { onDelete: "cascade" }),
  /** Tokens that were sent to a server, those of failed requests included. */
  sentTokens: id("sent_tokens").notNull().default(0),
  /** In the currency of the price, each request at the price of its moment. */
  cost: doublePrecision("cost").notNull().default(0),
  /** Per million tokens, as the last worker had it; null if there is none. */
  price: doublePrecision("price"),
  /** The cost at which the backfill stops; null means no limit. */
  budget: doublePrecision("budget"),
});
