import { sql } from "drizzle-orm";
import { index, integer, jsonb, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { moment, reembed } from "./columns.ts";

/** What a webhook tells a person. Nothing is written here unless there is a webhook. */
export const notices = reembed.table(
  "notices",
  {
    /** The webhook-id of every attempt. A uuid, because one receiver may serve several databases. */
    id: uuid("id").primaryKey().defaultRandom(),
    /** Such as `backfill.stalled`. */
    kind: text("kind").notNull(),
    /** What it is of, such as a profile, an event or a worker. */
    occurrence: text("occurrence").notNull(),
    profile: text("profile"),
    occurredAt: moment("occurred_at").notNull(),
    noticedAt: moment("noticed_at").notNull().defaultNow(),
    /** When its condition ended; until then it is not noticed again. */
    endedAt: moment("ended_at"),
    /** The sentence for a person, as `text`, and figures. */
    detail: jsonb("detail").$type<NoticeDetail>().notNull(),
    attempts: integer("attempts").notNull().default(0),
    /** Null once it is delivered or given up. */
    nextAttemptAt: moment("next_attempt_at"),
    deliveredAt: moment("delivered_at"),
    /** Why the last attempt failed. */
    error: text("error"),
  },
  (table) => [
    uniqueIndex("notices_once").on(table.kind, table.occurrence).where(sql`ended_at is null`),
    index("notices_due").on(table.nextAttemptAt).where(sql`next_attempt_at is not null`),
  ],
);

export interface NoticeDetail {
  /** A plain sentence. */
  text: string;
  [figure: string]: unknown;
}
