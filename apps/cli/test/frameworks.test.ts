import { type DiscoveredTable, discoverTables } from "@reembed/migration/adopt";
import { exposeProfile } from "@reembed/migration/expose";
import { verifyProfile } from "@reembed/migration/verify";
import { startProducer } from "@reembed/producer";
import { createLogger } from "@reembed/runtime";
import { checkSource, copyVectors, createDocuments, readAdoption, takeOver } from "@reembed/store/adoption";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage, setPaused } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import { searchExactly } from "@reembed/store/search";
import {
  describeOnOneServer,
  HashingEmbedder,
  openTestDatabase,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import {
  embedFor,
  type FrameworkTable,
  fillTable,
  frameworkTables,
  runAll,
  someChunks,
} from "@reembed/testing/frameworks";
import { startWorker } from "@reembed/worker";
import pg from "pg";
import { expect, test } from "vitest";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")] as const;
const [baseline, candidate] = profiles;
const log = createLogger("silent");

/** Finds the only table with vectors, as `reembed adopt` does. */
async function findTable(database: Database): Promise<DiscoveredTable> {
  const [found] = await discoverTables(database, baseline);
  if (found === undefined) throw new Error("No table was found");
  return found;
}

/** Adopts a table as it is proposed, without embedding a sample again. Returns the number of copied vectors. */
async function adopt(database: Database, found: DiscoveredTable): Promise<number> {
  const [{ where } = { where: null }] = found.adoptions;
  const { content = "", ...parts } = found.source;
  const wanted = { ...parts, content, ...(where === null ? {} : { where }) };
  const source = { ...(await checkSource(database, wanted)), chunks: "keep" as const };
  await takeOver(database, baseline, source, { vectors: true });
  await registerProfiles(database, profiles);
  const adoption = await readAdoption(database);
  if (adoption !== undefined) await createDocuments(database, adoption);
  for (let copied = 0; ; ) {
    const batch = await copyVectors(database, baseline.name, 5);
    if (batch === undefined) return copied;
    copied += batch.copied;
  }
}

/** Asks as the application does after its search_path and its model were changed. Returns the key of the nearest row. */
async function askExposed(client: pg.ClientBase, { source, table }: DiscoveredTable, vector: readonly number[]) {
  const name = table.replace(/^public\./, "");
  const { rows: lengths } = await client.query(
    `select vector_dims(${source.embedding}) as length from ${name} limit 1`,
  );
  const padded = [...vector, ...Array<number>(lengths[0]?.length - vector.length).fill(0)];
  const { rows } = await client.query(
    `select "${source.id[0]}"::text as id from ${name} order by ${source.embedding} <=> $1 limit 1`,
    [`[${padded.join()}]`],
  );
  return rows[0]?.id;
}

async function startFleet(database: Database, { queue }: TestServers): Promise<AsyncDisposable> {
  await using scope = new AsyncDisposableStack();
  for (const { name, model } of profiles) {
    const profile = await readProfile(database, name);
    const embedder = new HashingEmbedder({ model });
    const options = { database, queue, profile, embedder, concurrency: 1, lockDurationMs: 10_000, log };
    scope.use(await startWorker(options));
  }
  const pace = { batchSize: 16, maxQueuedJobs: 20, tickMs: 50, lockDurationMs: 10_000 };
  scope.use(await startProducer({ database, queue, ...pace, log }));
  return scope.move();
}

async function isComplete(database: Database, chunks: number): Promise<boolean> {
  const counts = await Promise.all(
    profiles.map(async ({ name }) => await readCoverage(database, await readProfile(database, name))),
  );
  return counts.every(({ embedded, pending, changes }) => embedded === chunks && pending + changes === 0);
}

/** What its application does while both profiles follow: a new chunk, an edit, and a chunk that goes. */
async function writeAsFramework(client: pg.ClientBase, table: FrameworkTable) {
  const [edited, removed, ...kept] = someChunks();
  if (edited === undefined || removed === undefined) throw new Error("There are too few chunks");
  const changed = { ...edited, text: "An edited text about holidays." };
  const added = { number: 7, document: "guide-2", position: 3, text: "A new text about salaries." };
  await runAll(client, table.rewrite(changed, await embedFor(table, changed, baseline.model)));
  await runAll(client, table.remove(removed));
  await runAll(client, table.write(added, await embedFor(table, added, baseline.model)));
  return [changed, ...kept, added];
}

describeOnOneServer(
  "a framework's own statements",
  (open) => {
    test.for(frameworkTables.map((table) => [table.preset, table] as const))(
      "reach both profiles, and find the new vectors by another search_path: %s",
      async ([, table]) => {
        const servers = await open();
        const client = new pg.Client(servers);
        await client.connect();
        await using scope = new AsyncDisposableStack();
        scope.defer(() => client.end());
        await fillTable(client, table, { model: baseline.model });
        const database = scope.use(await openTestDatabase(servers, profiles, 20));
        await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
        const found = await findTable(database);
        expect(await adopt(database, found)).toBe(someChunks().length);
        await setPaused(database, await readProfile(database, candidate.name), false);
        scope.use(await startFleet(database, servers));
        const chunks = await writeAsFramework(client, table);
        await waitFor("both profiles to be complete", () => isComplete(database, chunks.length));

        for (const { name, model } of profiles) {
          const profile = await readProfile(database, name);
          const embedder = new HashingEmbedder({ model });
          const report = await verifyProfile({
            ...{ database, profile, startEmbedder: async () => embedder, sample: "all" as const },
            ...{ bars: { own: 0.999, adopted: 0.99 }, maxQuarantinedShare: 0, onProgress: () => {} },
          });
          expect(report).toMatchObject({ passed: true, chunks: chunks.length, current: chunks.length });
          for (const chunk of chunks) {
            const vector = Float32Array.from(await embedFor(table, chunk, model));
            const [best] = await searchExactly(database, profile, vector, { limit: 1 });
            expect(best?.content).toBe(table.embedded(chunk));
            expect(best?.score).toBeGreaterThan(0.99);
            expect(best?.sourceId).toBe(table.says(chunk).id);
            const filter = { metadata: best?.metadata };
            expect(await searchExactly(database, profile, vector, { limit: 1, filter })).toEqual([best]);
          }
        }

        const type = found.settings?.type ?? "halfvec";
        const asked = { roles: [], dryRun: false, onStep: () => {} };
        const { schema, rows } = await exposeProfile(database, { ...asked, profile: candidate.name, type });
        expect(rows).toEqual({ shown: chunks.length, all: chunks.length });
        await client.query(`set search_path = ${schema}, public`);
        for (const chunk of chunks) {
          const vector = await embedFor(table, chunk, candidate.model);
          expect(await askExposed(client, found, vector)).toBe(table.says(chunk).id);
        }
      },
    );
  },
  "PostgreSQL",
);
