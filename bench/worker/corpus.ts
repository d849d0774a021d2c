import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Model, Profile } from "@reembed/core";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { readPendingChunks } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { readBackfillIds } from "@reembed/testing";
import { sql } from "drizzle-orm";

const handbook = join(import.meta.dirname, "../../samples/handbook");

/** Uses the smaller of the two built-in chunkings, so that a round has several batches. */
export function benchProfile(name: string, model: Model): Profile {
  return { name, chunking: { size: 1500, overlap: 150 }, model, limit: 15, threshold: 0.5 };
}

/** Registers a new profile for each round over the same chunks, so that no vector exists or could be reused. */
export async function registerRound(database: Database, profile: Profile): Promise<RegisteredProfile> {
  await database.execute(sql`truncate reembed.chunk_embeddings`);
  await registerProfiles(database, [profile]);
  return await readProfile(database, profile.name);
}

/**
 * Stores the sample handbook, in all languages in turn, until the profile has enough chunks. If one copy is not enough, the
 * copy's number is added after every sentence, so that no two chunks are the same.
 * @returns The number of stored chunks.
 */
export async function loadHandbook(database: Database, profile: Profile, chunks: number): Promise<number> {
  await registerProfiles(database, [profile]);
  const files = globSync("*/*.md", { cwd: handbook }).sort((a, b) => basename(a).localeCompare(basename(b)));
  let stored = 0;
  for (let copy = 0; ; copy++) {
    for (const file of files) {
      const text = readFileSync(join(handbook, file), "utf8");
      const body = copy === 0 ? text : text.replaceAll(/[.!?]\s/g, `$&${copy} `);
      const document = { uri: `${copy}/${file}`, title: file, language: file.slice(0, 2), body, metadata: {} };
      stored += (await storeDocuments(database, [document])).chunks.added;
      if (stored >= chunks) return stored;
    }
  }
}

/** The texts of all chunks, in the batches that a producer would enqueue. */
export async function readTexts(database: Database, profile: Profile, batchSize: number): Promise<string[][]> {
  await startBackfill(database, await readProfile(database, profile.name));
  const registered = await readProfile(database, profile.name);
  const ids = await readBackfillIds(database, registered, 1_000_000);
  const batches: string[][] = [];
  for (let start = 0; start < ids.length; start += batchSize) {
    const pending = await readPendingChunks(database, registered, ids.slice(start, start + batchSize));
    batches.push(pending.map(({ content }) => content));
  }
  return batches;
}
