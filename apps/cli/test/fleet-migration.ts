import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { openTestDatabase, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";
import { fleetCorpus } from "./fleet-corpus.ts";

const chunking = { size: 600, overlap: 60 };
const profile = testProfile("mini-m3", chunking);

/** A corpus of about seven chunks per document, and a fleet that embeds it. */
export interface FleetMigration {
  servers: TestServers;
  database: Database;
  registered: RegisteredProfile;
  fleet: Fleet;
}

/** Starts a migration that lives until the test ends. */
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

/** Waits until the backfill and all changes are done; then every chunk has a current vector and the quarantine is empty. */
export async function expectComplete({ database, registered }: FleetMigration): Promise<void> {
  await waitFor("the backfill to end and no change to wait", async () => {
    if ((await readProfile(database, registered.name)).state !== "backfilled") return false;
    const { pending, changes } = await readCoverage(database, registered);
    return pending + changes === 0;
  });
  const coverage = await readCoverage(database, registered);
  expect(coverage).toMatchObject({ coverage: 1, pending: 0, changes: 0, quarantined: 0 });
  const { rows } = await database.execute<{ wrong: number }>(sql`
    select count(*)::int as wrong from ${sql.raw(registered.relation)} c
    full join reembed.chunk_embeddings e on e.chunk_id = c.id and e.profile = ${registered.name}
    where e.content_hash is distinct from sha256(convert_to(c.content, 'UTF8'))`);
  expect(rows).toEqual([{ wrong: 0 }]);
}

/** Commands of the processes that have logged so many lines like this. */
function tellingOf({ fleet }: FleetMigration, pattern: RegExp, times: number): string[] {
  return fleet
    .logs()
    .filter(({ lines }) => lines.filter((line) => pattern.test(line)).length >= times)
    .map(({ command }) => command);
}

/** Waits until one process at least of each of these commands has logged so many lines like this. */
export async function untilTold(
  migration: FleetMigration,
  commands: readonly string[],
  pattern: RegExp,
  times = 1,
): Promise<void> {
  await waitFor(`${commands.join(", ")} to say what they wait for`, () => {
    const telling = tellingOf(migration, pattern, times);
    return commands.every((command) => telling.includes(command));
  });
}

/** None has ended, none has flooded its log, and the dashboard shows its page. */
export async function expectAlive({ fleet }: FleetMigration): Promise<void> {
  expect(fleet.exited()).toEqual([]);
  for (const { command, lines } of fleet.logs()) {
    const complaints = lines.filter((line) => /"level":[456]0/.test(line));
    expect.soft(complaints.length, `${command}:\n${complaints.join("\n")}`).toBeLessThan(20);
    const ready = lines.find((line) => line.includes('"dashboard ready"'));
    if (ready !== undefined) expect((await fetch(JSON.parse(ready).overview)).status).toBe(200);
  }
}
