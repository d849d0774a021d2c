import type { Model } from "@reembed/core";
import { startProfileEmbedder } from "@reembed/embedder";
import { startSpendingMeter } from "@reembed/migration/spending";
import { EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage, readLiveWorkers, startBackfill } from "@reembed/store/progress";
import { readSpending, setBudget } from "@reembed/store/spending";
import {
  describeOnEachServer,
  HashingEmbedder,
  openTestDatabase,
  readBackfillIds,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { SomeEmbeddingServer } from "@reembed/testing/embedders";
import { expect, test } from "vitest";
import { startWorker } from "./worker.ts";

const log = createLogger("silent");
const m3 = testProfile("mini-m3");
/** No graph of this revision was prepared, so that a double of the model is not held against a golden vector. */
const model: Model = { ...m3.model, revision: "a double" };
const wanted = { ...m3, model };
const bodies = Array.from({ length: 12 }, (_, place) => `отпуск ${place}`);
/** A token costs 1, and a request has one text of four to five tokens. */
const price = 1_000_000;

describeOnEachServer(
  "a worker with a server that is paid",
  (open) => {
    test("stops before the budget is spent, blames no chunk, and goes on with a higher budget", async () => {
      await using scope = new AsyncDisposableStack();
      const corpus = await openCorpus(await open(), scope);
      const { server, database, profile } = corpus;
      await setBudget(database, profile.name, 40);
      await startPaidWorker(scope, corpus);
      const worker = await waitFor("the end of the budget", () => waitingWorker(database));
      expect(worker.waitsFor).toMatch(
        /^The budget of mini-m3 is spent: [\d.]+ of 40\.00, and the next request does not/,
      );

      const stopped = await readCoverage(database, profile);
      const { cost = 0, sentTokens = 0 } = (await readSpending(database, profile.name)) ?? {};
      expect(cost).toBeGreaterThan(20);
      expect(cost).toBeLessThanOrEqual(40);
      expect(sentTokens).toBe(cost);
      expect(stopped).toMatchObject({ quarantined: 0, changes: 0 });
      // The first text of the embedder is paid too.
      expect(server.requests).toHaveLength(1 + stopped.embedded);
      expect(stopped.pending).toBeGreaterThan(0);

      await setBudget(database, profile.name, 1_000);
      await waitFor("every chunk", async () => (await readCoverage(database, profile)).pending === 0);
      await waitFor("the worker's word", async () => (await readLiveWorkers(database))[0]?.waitsFor === null);
      expect(server.requests).toHaveLength(1 + bodies.length);
    });

    test("waits with a word while its key is refused, blames no chunk, and goes on when it is accepted", async () => {
      await using scope = new AsyncDisposableStack();
      const corpus = await openCorpus(await open(), scope);
      const { server, database, profile } = corpus;
      await startPaidWorker(scope, corpus, () => {
        server.requiredKey = "sk-another";
      });
      const worker = await waitFor("the refused key", () => waitingWorker(database));
      expect(worker.waitsFor).toMatch(/refuses a request with 401: Incorrect API key provided: \*\*\*$/);
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: 0, quarantined: 0 });
      // What the server refuses is not paid: only the embedder's first text was.
      expect((await readSpending(database, profile.name))?.sentTokens).toBeLessThan(10);

      server.requiredKey = "sk-test";
      await waitFor("every chunk", async () => (await readCoverage(database, profile)).pending === 0);
      expect(await readCoverage(database, profile)).toMatchObject({ embedded: bodies.length, quarantined: 0 });
    });
  },
  ["PostgreSQL"],
);

interface Corpus {
  server: SomeEmbeddingServer;
  database: Database;
  profile: RegisteredProfile;
  queue: TestServers["queue"];
}

async function openCorpus(servers: TestServers, scope: AsyncDisposableStack): Promise<Corpus> {
  const server = scope.use(await SomeEmbeddingServer.start(new HashingEmbedder({ model })));
  server.requiredKey = "sk-test";
  const database = scope.use(await openTestDatabase(servers, [wanted]));
  await storeBodies(database, bodies);
  await startBackfill(database, await readProfile(database, wanted.name));
  const profile = await readProfile(database, wanted.name);
  const queue = scope.use(new EmbedQueue(servers.queue, profile.name, (error) => log.warn(error)));
  await queue.enqueue([
    { profile: profile.name, kind: "backfill", chunkIds: await readBackfillIds(database, profile, bodies.length) },
  ]);
  return { server, database, profile, queue: servers.queue };
}

async function startPaidWorker(
  scope: AsyncDisposableStack,
  { server, database, profile, queue }: Corpus,
  beforeWork: () => void = () => {},
): Promise<void> {
  const candidate = {
    ...{ variables: "EMBEDDING", endpoint: server.endpoint, apiKey: "sk-test", requestTexts: 1, price },
  };
  const config = {
    ...{ baseline: { name: "none" }, candidate: wanted, models: { folder: "unused" } },
    worker: { tokenBudget: undefined },
    embeddingServers: { baseline: { variables: "BASELINE_EMBEDDING", requestTexts: 1 }, candidate },
  };
  const meter = startSpendingMeter({ database, config, profile: wanted, log });
  if (meter === undefined) throw new TypeError("The profile has no server");
  scope.use(meter);
  const embedder = scope.use(await startProfileEmbedder(wanted, config, { device: "http", log, meter }));
  meter.keepWithinBudget();
  beforeWork();
  scope.use(await startWorker({ database, profile, embedder, queue, concurrency: 1, lockDurationMs: 10_000, log }));
}

async function waitingWorker(database: Database) {
  return (await readLiveWorkers(database)).find(({ waitsFor }) => waitsFor !== null);
}
