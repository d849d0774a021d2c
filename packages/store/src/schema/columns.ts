import { bigint, customType, pgSchema, timestamp } from "drizzle-orm/pg-core";

/** All tables live in a schema of their own, so that an adopted database keeps its names. */
export const reembed = pgSchema("reembed");

export const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** pgvector's half-precision vector without a fixed length: a partition's check constraint gives it one. */
export const anyHalfvec = customType<{ data: Buffer }>({ dataType: () => "halfvec" });

/** The id of a transaction. PostgreSQL never gives the same one twice. */
export const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });

export const id = (name: string) => bigint(name, { mode: "number" });

export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
