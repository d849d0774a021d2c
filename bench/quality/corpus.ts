import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chunkingName, type Profile } from "@reembed/core";
import { openEmbeddedDatabase } from "@reembed/embedded";
import { loadCorpus } from "@reembed/migration/load";
import { type Database, migrateDatabase, openDatabase } from "@reembed/store/database";
import { readPendingChunks } from "@reembed/store/embeddings";
import { readPlacedChunks } from "@reembed/store/evaluation";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { chunksPartition } from "@reembed/store/schema";
import { readBackfillIds } from "@reembed/testing";
import { sql } from "drizzle-orm";
import type { IndexedChunk } from "./bm25.ts";

export const handbook = join(import.meta.dirname, "../../samples/handbook");

export interface StoredDocument {
  language: string;
  body: string;
}

/** Opens an embedded database with the handbook, cut for these profiles and not embedded yet. */
export async function openCorpus(profiles: readonly Profile[], scope: AsyncDisposableStack): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), "reembed-quality-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const { connectionString } = scope.use(await openEmbeddedDatabase({ folder }));
  const database = openDatabase({ connectionString, maxConnections: 1 });
  scope.defer(() => database.$client.end());
  await migrateDatabase(database);
  await registerProfiles(database, profiles);
  const { problems } = await loadCorpus(database, handbook, () => {});
  if (problems.length > 0) throw new Error(`${problems[0]?.place} cannot be loaded: ${problems[0]?.reason}`);
  return database;
}

/** The stored documents by uri. */
export async function readDocuments(database: Database): Promise<Map<string, StoredDocument>> {
  const { rows } = await database.execute<{ uri: string; language: string; body: string }>(
    sql`select uri, language, body from reembed.documents order by uri`,
  );
  return new Map(rows.map(({ uri, language, body }) => [uri, { language, body }]));
}

/** Starts the profile's backfill and returns its chunks, all of which are pending. */
export async function readAllChunks(database: Database, name: string) {
  await startBackfill(database, await readProfile(database, name));
  const profile: RegisteredProfile = await readProfile(database, name);
  const ids = await readBackfillIds(database, profile, 1_000_000);
  return { profile, chunks: await readPendingChunks(database, profile, ids) };
}

/** The chunks of a profile's chunking with their places and languages. */
export async function readIndexedChunks(database: Database, { chunking }: Profile): Promise<IndexedChunk[]> {
  const relation = chunksPartition(chunkingName(chunking));
  const chunks = await readPlacedChunks(database, { relation }, { limit: 1_000_000 });
  return chunks.map(({ uri, ...chunk }) => ({ ...chunk, document: uri }));
}
