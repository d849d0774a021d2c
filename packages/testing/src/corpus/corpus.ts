import { type Chunking, type Profile, resolveProfile } from "@reembed/core";
import { createQueueTables } from "@reembed/queue";
import { takeChanges } from "@reembed/store/changes";
import { storeDocuments } from "@reembed/store/corpus";
import { type Database, migrateDatabase, openDatabase } from "@reembed/store/database";
import { registerProfiles } from "@reembed/store/registration";
import type { TestServers } from "../servers/each-server.ts";

/** A profile of a stand-in model with chunks so small that a test's documents have several. */
export function testProfile(name: "mini-rubert" | "mini-m3", chunking?: Chunking): Profile {
  return resolveProfile(name, { chunkSize: chunking?.size, chunkOverlap: chunking?.overlap });
}

/** Creates Reembed's tables and those of a queue in the same database. */
export async function createTables({ connectionString }: { connectionString: string }): Promise<void> {
  const database = openDatabase({ connectionString, maxConnections: 1 });
  try {
    await migrateDatabase(database);
    await createQueueTables({ kind: "postgres", connectionString });
  } finally {
    await database.$client.end();
  }
}

/** Opens a database with Reembed's and BullMQ's tables and these profiles. */
export async function openTestDatabase(
  { connectionString, schema, queue }: TestServers,
  profiles: readonly Profile[],
  maxConnections = 8,
): Promise<Database & AsyncDisposable> {
  const database = openDatabase({ connectionString, schema, maxConnections });
  await migrateDatabase(database);
  await createQueueTables(queue);
  await registerProfiles(database, profiles);
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.$client.end() });
}

/** Stores one document per body, named `text-0` and so on, and processes what the triggers have logged, as a tick does. */
export async function storeBodies(database: Database, bodies: readonly string[]): Promise<void> {
  const documents = bodies.map((body, index) => ({
    uri: `text-${index}`,
    title: `Text ${index}`,
    language: "ru",
    body,
    metadata: {},
  }));
  await storeDocuments(database, documents);
  await takeChanges(database);
}
