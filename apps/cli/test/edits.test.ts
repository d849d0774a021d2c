import { startProducer } from "@reembed/producer";
import { createLogger } from "@reembed/runtime";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { describeOnEachServer, HashingEmbedder, openTestDatabase, testProfile, waitFor } from "@reembed/testing";
import { startWorker } from "@reembed/worker";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";

const profile = testProfile("mini-m3", { size: 200, overlap: 20 });
const log = createLogger("silent");
const documents = 120;
const edits = 250;
const lockDurationMs = 10_000;

function body(document: number, version: number): string {
  return Array.from({ length: 5 }, (_, part) => `document ${document} part ${part} version ${version} `.repeat(4)).join(
    "\n\n",
  );
}

describeOnEachServer(
  "documents edited, added and deleted while workers embed them",
  (open) => {
    test("leave no vector of an old text, and no text without a vector", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profile], 20);
      const store = (document: number, version: number) =>
        storeDocuments(database, [
          { uri: `${document}`, title: "", language: "en", body: body(document, version), metadata: {} },
        ]);
      for (let document = 0; document < documents; document++) await store(document, 0);

      const embedder = new HashingEmbedder({ model: profile.model, microBatchSize: 4 });
      await using scope = new AsyncDisposableStack();
      const registered = await readProfile(database, profile.name);
      const { queue } = servers;
      for (let worker = 0; worker < 4; worker++) {
        const options = { database, queue, profile: registered, embedder, concurrency: 2, lockDurationMs, log };
        scope.use(await startWorker(options));
      }
      scope.use(
        await startProducer({ database, queue, batchSize: 16, maxQueuedJobs: 20, tickMs: 50, lockDurationMs, log }),
      );

      // A fixed generator, so that a failure can be repeated with the same numbers.
      let state = 20_26;
      const random = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % below;
      };
      for (let count = 1; count <= edits; count++) {
        const document = random(documents + 20);
        if (random(8) === 0) await database.execute(sql`delete from reembed.documents where uri = ${`${document}`}`);
        else await store(document, count);
      }
      await waitFor("nothing to be pending", async () => {
        const { pending, changes } = await readCoverage(database, registered);
        return pending + changes === 0;
      });
      expect(await wrongVectors(database, registered, embedder)).toEqual([]);
      expect(await readCoverage(database, registered)).toMatchObject({ coverage: 1, changes: 0, quarantined: 0 });
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);

/** Chunks without a vector, or whose vector is not the embedder's vector of their present text. */
async function wrongVectors(
  database: Database,
  { relation, name }: RegisteredProfile,
  embedder: HashingEmbedder,
): Promise<number[]> {
  const { rows } = await database.execute<{ id: string; content: string; embedding: string | null }>(sql`
    select c.id, c.content, e.embedding::text from ${sql.raw(relation)} c
    left join reembed.chunk_embeddings e on e.chunk_id = c.id and e.profile = ${name} order by c.id`);
  const wrong: number[] = [];
  for await (const outcomes of embedder.embed(
    rows.map((row) => row.content),
    { as: "passage" },
  )) {
    for (const outcome of outcomes) {
      const row = rows[outcome.index];
      const expected = "vector" in outcome ? [...new Float16Array(outcome.vector)] : [];
      const stored = [...new Float16Array(JSON.parse(row?.embedding ?? "[]"))];
      if (expected.join() !== stored.join()) wrong.push(Number(row?.id));
    }
  }
  expect(rows.length).toBeGreaterThan(documents);
  return wrong;
}
