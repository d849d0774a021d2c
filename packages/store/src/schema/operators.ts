import { bigserial, text } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

/**
 * What people changed while the migration runs, the newest last: bounds, backfills, quarantines and what else has no history
 * of its own. A bound's last row is its present value.
 */
export const operatorChanges = reembed.table("operator_changes", {
  id: bigserial("id", { mode: "number" }).primaryKey(),
  changedAt: moment("changed_at").notNull().defaultNow(),
  changedBy: text("changed_by").notNull(),
  /** A variable such as `BATCH_SIZE`, or a thing such as `backfill of bge-m3`. */
  subject: text("subject").notNull(),
  /** Null if there was nothing before, or nothing that one word can say. */
  fromValue: text("from_value"),
  /** Null for a variable that follows each process's environment again. */
  toValue: text("to_value"),
  reason: text("reason").notNull(),
});
