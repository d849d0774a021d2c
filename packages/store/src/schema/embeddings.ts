import { index, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { anyHalfvec, bytea, id, moment, reembed } from "./columns.ts";

/** Partitioned by profile. */
export const chunkEmbeddings = reembed.table(
  "chunk_embeddings",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** sha256 of the text that was embedded, in UTF-8. */
    contentHash: bytea("content_hash").notNull(),
    embedding: anyHalfvec("embedding").notNull(),
    /** Tokens of the text; those beyond the model's limit were cut off and are counted beside it. Null where the vector was adopted. */
    tokenCount: integer("token_count"),
    truncatedTokens: integer("truncated_tokens"),
    modelRevision: text("model_revision").notNull(),
    embeddedAt: moment("embedded_at").notNull().defaultNow(),
  },
  (table) => [
    // The chunk first: its deletion looks for it here without knowing the profiles.
    primaryKey({ columns: [table.chunkId, table.profile] }),
    // A text that was seen before is not embedded again.
    index("chunk_embeddings_content_hash").on(table.contentHash),
  ],
);

export const quarantinedChunks = reembed.table(
  "quarantined_chunks",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** Of the text that could not be embedded: another text is tried again. */
    contentHash: bytea("content_hash").notNull(),
    reason: text("reason").notNull(),
    detail: text("detail").notNull(),
    attempts: integer("attempts").notNull().default(1),
    firstSeen: moment("first_seen").notNull().defaultNow(),
    lastSeen: moment("last_seen").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.profile, table.chunkId] })],
);
