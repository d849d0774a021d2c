import { type Database, type EmbeddedChunk, type RegisteredProfile, upsertEmbeddings } from "@reembed/store";
import { sql } from "drizzle-orm";
import { bigint, customType, halfvec, integer, pgSchema, text } from "drizzle-orm/pg-core";

/** One way to store a batch, ready to do so: what its input has to look like is made outside the measurement. */
export type Write = () => Promise<unknown>;

/** The product's own statement: binary parameters, and only the chunks whose text has not changed. */
export function guardedWrites(
  database: Database,
  profile: RegisteredProfile,
  batches: readonly EmbeddedChunk[][],
): Write[] {
  return batches.map((batch) => () => upsertEmbeddings(database, profile, batch));
}

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** The same table with Drizzle's own type for the vector, which sends it as text. */
const chunkEmbeddings = pgSchema("reembed").table("chunk_embeddings", {
  profile: text("profile").notNull(),
  chunkId: bigint("chunk_id", { mode: "number" }).notNull(),
  contentHash: bytea("content_hash").notNull(),
  embedding: halfvec("embedding", { dimensions: 1024 }).notNull(),
  tokenCount: integer("token_count").notNull(),
  truncatedTokens: integer("truncated_tokens").notNull(),
  modelRevision: text("model_revision").notNull(),
});

/** An upsert as Drizzle's manual has it: no guard, so that a stale vector would be stored too. */
export function textWrites(
  database: Database,
  profile: RegisteredProfile,
  batches: readonly EmbeddedChunk[][],
): Write[] {
  return batches.map((batch) => {
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
}
