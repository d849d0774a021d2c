import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "@reembed/core";
import {
  type Database,
  type EmbeddedChunk,
  migrateDatabase,
  type RegisteredProfile,
  readBackfillIds,
  readPendingChunks,
  readProfile,
  registerProfiles,
  startBackfill,
  storeDocuments,
} from "@reembed/store";
import { sql } from "drizzle-orm";

const samples = join(import.meta.dirname, "../../samples");

/** Stores copies of the sample handbook until the profile has at least so many chunks, and begins its backfill. */
export async function loadCorpus(database: Database, profile: Profile, chunks: number): Promise<RegisteredProfile> {
  await migrateDatabase(database);
  await registerProfiles(database, [profile]);
  const texts = globSync("**/*.md", { cwd: samples }).map((path) => readFileSync(join(samples, path), "utf8"));
  for (let copy = 1, stored = 0; stored < chunks; copy++) {
    const documents = texts.map((text, index) => ({
      uri: `${copy}-${index}`,
      title: `Copy ${copy}`,
      language: "ru",
      body: `Copy ${copy}\n\n${text}`,
      metadata: {},
    }));
    const { added } = (await storeDocuments(database, documents)).chunks;
    if (added === 0) throw new Error(`${samples} has no text in its .md files`);
    stored += added;
  }
  await startBackfill(database, await readProfile(database, profile.name));
  await database.execute(sql`vacuum analyze`);
  return await readProfile(database, profile.name);
}

/** The chunks in batches, as a worker would hold them before it stores them: each with a random unit vector. */
export async function readBatches(
  database: Database,
  profile: RegisteredProfile,
  { chunks, batchSize }: { chunks: number; batchSize: number },
): Promise<EmbeddedChunk[][]> {
  const ids = await readBackfillIds(database, profile, chunks);
  const batches: EmbeddedChunk[][] = [];
  for (let start = 0; start < ids.length; start += batchSize) {
    const pending = await readPendingChunks(database, profile, ids.slice(start, start + batchSize));
    const embedded = pending.map(({ id, contentHash }) => ({
      chunkId: id,
      contentHash,
      vector: randomUnitVector(profile.dimensions),
      tokenCount: 1500,
      truncatedTokens: 0,
    }));
    batches.push(embedded);
  }
  return batches;
}

function randomUnitVector(dimensions: number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
