import { bigserial, index, primaryKey, text } from "drizzle-orm/pg-core";
import { id, reembed } from "./columns.ts";

/**
 * How many chunks of a chunking, or vectors of a profile, a block of 65,536 ids has. Where a mark is waiting, the number is
 * old: whoever reads the counts counts such a block himself, and a tick of the producer stores the new number.
 */
export const blockCounts = reembed.table(
  "block_counts",
  {
    /** `chunks` or `vectors`. */
    kind: text("kind").notNull(),
    /** Of the chunking or the profile. */
    name: text("name").notNull(),
    /** id >> 16. */
    block: id("block").notNull(),
    counted: id("counted").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.name, table.block] })],
);

/** Blocks whose number may have changed, in the order in which that happened. Only appended to, so that no writer waits. */
export const countMarks = reembed.table(
  "count_marks",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    kind: text("kind").notNull(),
    name: text("name").notNull(),
    /** Null for all of them. */
    block: id("block"),
  },
  (table) => [index("count_marks_of").on(table.kind, table.name, table.block)],
);
