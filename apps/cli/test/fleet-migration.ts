import { type Database, type RegisteredProfile, readCoverage, readProfile, storeDocuments } from "@reembed/store";
import { openTestDatabase, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";
import { fleetCorpus } from "./fleet-corpus.ts";

const chunking = { size: 600, overlap: 60 };
const profile = testProfile("mini-m3", chunking);

/** A corpus of some seven chunks a document, and a fleet that embeds it. */
export interface FleetMigration {
  servers: TestServers;
  database: Database;
  registered: RegisteredProfile;
  fleet: Fleet;
}

/** Lives until the test ends. */
export async function startFleetMigration(
  servers: TestServers,
  {
    documents,
    ...processes
  }: { documents: number; workers: number; dashboard?: boolean; settings?: Record<string, string> },
): Promise<FleetMigration> {
  const database = await openTestDatabase(servers, [profile]);
  onTestFinished(() => database.$client.end());
  await storeDocuments(database, fleetCorpus(documents));
  const fleet = startFleet(servers, { profile: "mini-m3", chunking, ...processes });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { servers, database, registered: await readProfile(database, profile.name), fleet };
}

export async function untilShare({ database, registered, fleet }: FleetMigration, share: number): Promise<void> {
  await waitFor(`coverage of ${share}`, async () => {
    expect(fleet.exited()).toEqual([]);
    return (await readCoverage(database, registered)).coverage >= share;
  });
}

/** Waits until the backfill is over and nothing waits: then every chunk has a vector of its present text, and none is set aside. */
export async function expectComplete({ database, registered }: FleetMigration): Promise<void> {
  await waitFor(
    "the backfill to end and no change to wait",
    async () =>
      (await readProfile(database, registered.name)).state === "backfilled" &&
      (await readCoverage(database, registered)).pending === 0,
  );
  const coverage = await readCoverage(database, registered);
  expect(coverage).toMatchObject({ coverage: 1, pending: 0, changes: 0, quarantined: 0 });
  const { rows } = await database.execute<{ wrong: number }>(sql`
    select count(*)::int as wrong from ${sql.raw(registered.relation)} c
    full join reembed.chunk_embeddings e on e.chunk_id = c.id and e.profile = ${registered.name}
    where e.content_hash is distinct from sha256(convert_to(c.content, 'UTF8'))`);
  expect(rows).toEqual([{ wrong: 0 }]);
}
