import { index, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { anyHalfvec, bytea, id, moment, reembed } from "./columns.ts";

/** Partitioned by profile. */
export const chunkEmbeddings = reembed.table(
  "chunk_embeddings",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** SHA-256 of the embedded text, in UTF-8. */
    contentHash: bytea("content_hash").notNull(),
    embedding: anyHalfvec("embedding").notNull(),
    /** Tokens that were embedded; those beyond the model's limit are counted in `truncatedTokens`. Null for an adopted vector. */
    tokenCount: integer("token_count"),
    truncatedTokens: integer("truncated_tokens"),
    modelRevision: text("model_revision").notNull(),
    embeddedAt: moment("embedded_at").notNull().defaultNow(),
  },
  (table) => [
    // The chunk comes first: the deletion of a chunk looks up its rows without the profile.
    primaryKey({ columns: [table.chunkId, table.profile] }),
    // To find a text that was embedded before, so that it is not embedded again.
    index("chunk_embeddings_content_hash").on(table.contentHash),
  ],
);

export const quarantinedChunks = reembed.table(
  "quarantined_chunks",
  {
    profile: text("profile").notNull(),
    chunkId: id("chunk_id").notNull(),
    /** The hash of the text that could not be embedded. When the text changes, the chunk is tried again. */
    contentHash: bytea("content_hash").notNull(),
    reason: text("reason").notNull(),
    detail: text("detail").notNull(),
    attempts: integer("attempts").notNull().default(1),
    firstSeen: moment("first_seen").notNull().defaultNow(),
    lastSeen: moment("last_seen").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.profile, table.chunkId] })],
);
