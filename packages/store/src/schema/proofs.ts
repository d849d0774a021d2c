import { bigserial, boolean, jsonb, text } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

/** The results of `reembed verify`, the newest last. */
export const verifications = reembed.table("verifications", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  profile: text("profile").notNull(),
  verifiedAt: moment("verified_at").notNull().defaultNow(),
  passed: boolean("passed").notNull(),
  report: jsonb("report").$type<Record<string, unknown>>().notNull(),
});

/** The results of `reembed evaluate`, the newest last. */
export const evaluations = reembed.table("evaluations", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  baseline: text("baseline").notNull(),
  candidate: text("candidate").notNull(),
  evaluatedAt: moment("evaluated_at").notNull().defaultNow(),
  verdict: text("verdict").$type<EvaluationVerdict>().notNull(),
  report: jsonb("report").$type<Record<string, unknown>>().notNull(),
});

/** The candidate compared with the baseline: significantly better or worse, or neither; `unjudged` without judgements. */
export type EvaluationVerdict = "better" | "worse" | "undecided" | "unjudged";
