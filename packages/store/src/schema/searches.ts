import { sql } from "drizzle-orm";
import { bigint, bigserial, index, integer, real, text, uuid } from "drizzle-orm/pg-core";
import { id, moment, reembed } from "./columns.ts";

/** One row per search, written after the answer; a shadow's answer is a row of its own with `shadow_of`. */
export const searchEvents = reembed.table(
  "search_events",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    requestId: uuid("request_id").notNull(),
    searchedAt: moment("searched_at").notNull().default(sql`clock_timestamp()`),
    profile: text("profile").notNull(),
    /** The profile that answered the user, if this is the answer of a shadow. */
    shadowOf: text("shadow_of"),
    /** Null if queries are not logged. */
    query: text("query"),
    tookMs: real("took_ms").notNull(),
    results: integer("results").notNull(),
    chunkIds: bigint("chunk_ids", { mode: "number" }).array().notNull().default([]),
    scores: real("scores").array().notNull().default([]),
    /** An error code, if the search failed. */
    error: text("error"),
    /** A shadow's ten best documents compared with the answer's: the share in common, and the rank correlation of those. */
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
