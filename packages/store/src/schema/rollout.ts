import type { GuardWindow, RolloutStage } from "@reembed/core";
import { bigserial, integer, jsonb, real, smallint, text } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

/** One row decides which profile answers. It is updated by compare-and-set on its version. */
export const rollouts = reembed.table("rollouts", {
  id: smallint("id").primaryKey().default(1),
  baseline: text("baseline").notNull(),
  candidate: text("candidate").notNull(),
  stage: text("stage").$type<RolloutStage>().notNull().default("baseline"),
  /** The share of subjects that the candidate answers, in percent from 0 to 100. */
  percent: real("percent").notNull().default(0),
  /** The share of the baseline's requests that the candidate also answers in shadow, in percent from 0 to 100. */
  shadowPercent: real("shadow_percent").notNull().default(0),
  /** Part of the hash that gives every subject its bucket, so that two rollouts do not start with the same people. */
  salt: text("salt").notNull(),
  version: integer("version").notNull().default(1),
  changedAt: moment("changed_at").notNull().defaultNow(),
});

export const rolloutEvents = reembed.table("rollout_events", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  changedAt: moment("changed_at").notNull().defaultNow(),
  /** Who made the change: a person's name, or `guardrail`. */
  changedBy: text("changed_by").notNull(),
  /** The role, and how it was known, such as `operator by token`; null on the command line and for a guardrail. */
  changedAs: text("changed_as"),
  fromStage: text("from_stage").$type<RolloutStage>().notNull(),
  fromPercent: real("from_percent").notNull(),
  toStage: text("to_stage").$type<RolloutStage>().notNull(),
  toPercent: real("to_percent").notNull(),
  reason: text("reason").notNull(),
  /** The checks that were missing or had failed and were overruled, each with the reason. */
  overruled: jsonb("overruled").$type<Record<string, string>>().notNull().default({}),
  /** How the baseline answered until then. The candidate is compared with it when the baseline gets no requests any more. */
  baselineWindow: jsonb("baseline_window").$type<GuardWindow>(),
});
