import type { GuardWindow, RolloutStage } from "@reembed/core";
import { bigserial, integer, jsonb, real, smallint, text } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

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
