import { chunkingName, type Profile, ReembedError } from "@reembed/core";
import { eq, sql } from "drizzle-orm";
import { type Adoption, readAdoption, requirePresent } from "../adoption/adoption.ts";
import type { Database, Queryable } from "../database/database.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { storedSql } from "../database/quoted.ts";
import { recordModel } from "../profiles/model-rows.ts";
import { isRetired } from "../rollout/retirement.ts";
import { profiles } from "../schema/profiles.ts";
import { chunksPartition, embeddingsPartition } from "../schema/relations.ts";
import { createChunkPartition, createPartition } from "./chunk-partition.ts";
import { createProfileView } from "./profile-view.ts";

/**
 * Registers profiles: their chunkings, the partitions for their chunks and vectors, and the triggers.
 * What exists stays: a registered profile keeps its chunking, whatever the configuration says, and only its limit and
 * threshold are updated. A new profile gets the configured chunking, or the adopted one if the adoption keeps its chunks.
 * @throws ReembedError `profile_conflict` if a profile of this name was registered with another model.
 */
export async function registerProfiles(database: Database, wanted: readonly Profile[]): Promise<void> {
  await withMigrationLock(database, async (locked) => {
    for (const profile of wanted) {
      // Its vectors were removed, and do not come back because the environment still names it.
      if (await isRetired(locked, profile.name)) continue;
      const adoption = await readAdoption(locked);
      if (adoption !== undefined) requirePresent(adoption);
      const chunking = await chooseChunking(locked, profile, adoption);
      const adopted = adoption?.chunking === chunking;
      if (!adopted) await withLockTimeout(locked, (transaction) => createChunkPartition(transaction, chunking));
      await withLockTimeout(locked, (transaction) => createEmbeddingPartition(transaction, profile));
      await recordProfile(locked, profile, { chunking, paused: adoption !== undefined });
      // Of an adopted chunking it would keep the application from changing its table.
      if (!adopted) await createProfileView(locked, { name: profile.name, ...profile.model }, chunking);
    }
  });
}

async function chooseChunking(database: Queryable, profile: Profile, adoption: Adoption | undefined): Promise<string> {
  const stored = database.select({ chunking: profiles.chunking }).from(profiles);
  const [registered] = await stored.where(eq(profiles.name, profile.name));
  const kept = adoption?.source.chunks === "keep" ? adoption.chunking : undefined;
  return registered?.chunking ?? kept ?? chunkingName(profile.chunking);
}

/** Without a foreign key to the chunks, which would lock them: a deletion is logged like any other change. */
async function createEmbeddingPartition(transaction: Queryable, { name, model }: Profile): Promise<void> {
  const partition = embeddingsPartition(name);
  await createPartition(transaction, partition, [
    `create table ${partition} (like reembed.chunk_embeddings including defaults including indexes)`,
    `alter table ${partition} add check (vector_dims(embedding) = ${model.dimensions})`,
    `alter table reembed.chunk_embeddings attach partition ${partition} for values in ('${name}')`,
    `select reembed.follow_vectors('${name}')`,
  ]);
}

/** @param paused True in an adopted database, so that a live system gets no unexpected load: `backfill start` starts it. */
async function recordProfile(
  database: Queryable,
  profile: Profile,
  { chunking, paused }: { chunking: string; paused: boolean },
): Promise<void> {
  const { size, overlap } = profile.chunking;
  await database.execute(sql`
    insert into reembed.chunkings (name, size, overlap, relation)
    values (${chunking}, ${size}, ${overlap}, ${storedSql(chunksPartition(chunking))}) on conflict do nothing`);
  await recordModel(database, profile.model);
  const settings = { searchLimit: profile.limit, similarityThreshold: profile.threshold };
  const [stored] = await database
    .insert(profiles)
    .values({
      name: profile.name,
      chunking,
      model: profile.model.id,
      revision: profile.model.revision,
      dimensions: profile.model.dimensions,
      paused,
      ...settings,
    })
    .onConflictDoUpdate({ target: profiles.name, set: settings })
    .returning();
  // A dry run stores nothing.
  if (stored !== undefined && (stored.model !== profile.model.id || stored.revision !== profile.model.revision)) {
    throw new ReembedError(
      "profile_conflict",
      `Profile ${profile.name} was registered with ${stored.model} at ${stored.revision}, not ${profile.model.id} at ${profile.model.revision}.`,
      {
        exitCode: 3,
        remedy: "Vectors of two models or revisions cannot be compared: give the new one its own profile.",
      },
    );
  }
}
