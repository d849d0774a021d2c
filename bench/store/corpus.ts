import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "@reembed/core";
import { storeDocuments } from "@reembed/store/corpus";
import { type Database, migrateDatabase } from "@reembed/store/database";
import { type EmbeddedChunk, readPendingChunks } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { readBackfillIds } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { randomUnitVector } from "../fleet/null-embedder.ts";

/** Russian prose in chunks of 4,000 characters on average: the upsert reads and hashes every text. */
const handbook = join(import.meta.dirname, "../../samples/handbook/ru");

/** Stores copies of the sample handbook until the profile has enough chunks, and starts its backfill. */
export async function loadCorpus(database: Database, profile: Profile, chunks: number): Promise<RegisteredProfile> {
  await migrateDatabase(database);
  await registerProfiles(database, [profile]);
  const texts = globSync("*.md", { cwd: handbook }).map((file) => readFileSync(join(handbook, file), "utf8"));
  if (texts.length === 0) throw new Error(`There are no .md files in ${handbook}`);
  for (let copy = 1, stored = 0; stored < chunks; copy++) {
    const title = `Copy ${copy}`;
    const documents = texts.map((text, index) => ({
      uri: `${copy}-${index}`,
      title,
      language: "ru",
      body: `${title}\n\n${text}`,
      metadata: {},
    }));
    stored += (await storeDocuments(database, documents)).chunks.added;
  }
  await startBackfill(database, await readProfile(database, profile.name));
  // Otherwise autovacuum would run in the middle of a round.
  await database.execute(sql`vacuum analyze`);
  return await readProfile(database, profile.name);
}

/** The first chunks in batches, as a worker has them before it stores them, each with a random unit vector. */
export async function readBatches(
  database: Database,
  profile: RegisteredProfile,
  { chunks, batch }: { chunks: number; batch: number },
): Promise<EmbeddedChunk[][]> {
  const ids = await readBackfillIds(database, profile, chunks);
  const batches: EmbeddedChunk[][] = [];
  for (let start = 0; start < ids.length; start += batch) {
    const pending = await readPendingChunks(database, profile, ids.slice(start, start + batch));
    const embedded = pending.map(({ id, content, contentHash }) => ({
      chunkId: id,
      contentHash,
      vector: randomUnitVector(profile.dimensions),
      tokenCount: Math.ceil(content.length / 4),
      truncatedTokens: 0,
    }));
    batches.push(embedded);
  }
  return batches;
}
