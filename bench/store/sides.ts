import type { Database } from "@reembed/store/database";
import { type EmbeddedChunk, upsertEmbeddings } from "@reembed/store/embeddings";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { sql } from "drizzle-orm";
import { bigint, customType, halfvec, integer, pgSchema, text } from "drizzle-orm/pg-core";

/** Stores one batch whose values are already in the side's format, because converting them is not measured. */
export type Write = () => PromiseLike<unknown>;

type Side = (database: Database, profile: RegisteredProfile, batches: readonly EmbeddedChunk[][]) => Write[];

/** Reembed's own statement: it sends vectors in binary, and stores only those whose chunk still has the same text. */
export const guardedWrites: Side = (database, profile, batches) =>
  batches.map((batch) => () => upsertEmbeddings(database, profile, batch));

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** The same table with Drizzle's own vector type, which sends vectors as text. */
const chunkEmbeddings = pgSchema("reembed").table("chunk_embeddings", {
  profile: text("profile").notNull(),
  chunkId: bigint("chunk_id", { mode: "number" }).notNull(),
  contentHash: bytea("content_hash").notNull(),
  embedding: halfvec("embedding", { dimensions: 1024 }).notNull(),
  tokenCount: integer("token_count").notNull(),
  truncatedTokens: integer("truncated_tokens").notNull(),
  modelRevision: text("model_revision").notNull(),
});

/** The upsert from Drizzle's manual. It has no check: a vector of an older text is stored too. */
export const textWrites: Side = (database, profile, batches) =>
  batches.map((batch) => {
    const rows = batch.map(({ vector, ...row }) => ({
      ...row,
      profile: profile.name,
      embedding: Array.from(vector),
      modelRevision: profile.revision,
    }));
    return () =>
      database
        .insert(chunkEmbeddings)
        .values(rows)
        .onConflictDoUpdate({
          target: [chunkEmbeddings.profile, chunkEmbeddings.chunkId],
          set: {
            contentHash: sql`excluded.content_hash`,
            embedding: sql`excluded.embedding`,
            tokenCount: sql`excluded.token_count`,
            truncatedTokens: sql`excluded.truncated_tokens`,
            modelRevision: sql`excluded.model_revision`,
          },
        });
  });
