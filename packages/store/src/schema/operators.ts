import type { Role } from "@reembed/core";
import { sql } from "drizzle-orm";
import { bigserial, boolean, text, uniqueIndex } from "drizzle-orm/pg-core";
import { bytea, moment, reembed } from "./columns.ts";

/**
 * What people changed while the migration runs, the newest last: bounds, backfills, quarantines and what else has no history
 * of its own. A bound's last row is its present value.
 */
export const operatorChanges = reembed.table("operator_changes", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  changedAt: moment("changed_at").notNull().defaultNow(),
  changedBy: text("changed_by").notNull(),
  /** The role, and how it was known, such as `operator by token`; null on the command line. */
  changedAs: text("changed_as"),
  /** A variable such as `BATCH_SIZE`, or a thing such as `backfill of bge-m3`. */
  subject: text("subject").notNull(),
  /** Null if there was nothing before, or nothing that one word can say. */
  fromValue: text("from_value"),
  /** Null for a variable that follows each process's environment again. */
  toValue: text("to_value"),
  reason: text("reason").notNull(),
});

/** Tokens with which scripts use the dashboard. A revoked one stays, so that its name in the history has a meaning. */
export const apiTokens = reembed.table(
  "api_tokens",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    name: text("name").notNull(),
    /** SHA-256 of the token, which itself is stored nowhere. */
    sha256: bytea("sha256").notNull().unique(),
    role: text("role").$type<Role>().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    createdBy: text("created_by").notNull(),
    /** Null if it never expires. */
    expiresAt: moment("expires_at"),
    revokedAt: moment("revoked_at"),
    /** To within some minutes. */
    lastUsedAt: moment("last_used_at"),
  },
  (table) => [uniqueIndex("api_tokens_name").on(table.name).where(sql`${table.revokedAt} is null`)],
);

/**
 * Work of minutes or hours that a page has asked for, one at a time: a producer builds an index, a worker of the profile
 * verifies it.
 */
export const tasks = reembed.table(
  "tasks",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    kind: text("kind").$type<"index build" | "verification">().notNull(),
    profile: text("profile").notNull(),
    requestedAt: moment("requested_at").notNull().defaultNow(),
    requestedBy: text("requested_by").notNull(),
    /** The process that does it, as host and pid; null if none has begun. */
    takenBy: text("taken_by"),
    /** The process's last sign of life. */
    seenAt: moment("seen_at"),
    /** What is being done, or what came of it, in words. */
    says: text("says"),
    endedAt: moment("ended_at"),
    /** Null until it has ended. */
    succeeded: boolean("succeeded"),
  },
  () => [uniqueIndex("tasks_one_open").on(sql`(ended_at is null)`).where(sql`ended_at is null`)],
);
