import { EmbedQueue } from "@reembed/queue";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { describeOnEachServer, openTestDatabase, type TestServers, testProfile, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { queueOf } from "../src/hosting/services.ts";
import { type Fleet, startFleet } from "./fleet.ts";

const chunking = { size: 200, overlap: 20 };
const profile = testProfile("mini-m3", chunking);
const documents = 500;
/** All chunks are one batch, and each chunk is a micro-batch, so that the batch takes seconds. */
const oneBatch = { BATCH_SIZE: "1000", TOKEN_BUDGET: "16", WORKER_CONCURRENCY: "1" };

describeOnEachServer(
  "a worker that ends in the middle of a batch",
  (open) => {
    async function startOneBatch(workers: number, settings: Record<string, string>) {
      const servers: TestServers = await open();
      const database: Database = await openTestDatabase(servers, [profile]);
      onTestFinished(() => database.$client.end());
      const body = (document: number) => `Документ ${document}: отпуск, зарплата и премия.`;
      await storeDocuments(
        database,
        Array.from({ length: documents }, (_, index) => ({
          uri: `${index}`,
          title: "",
          language: "ru",
          body: body(index),
          metadata: {},
        })),
      );
      const fleet: Fleet = startFleet(servers, { profile: "mini-m3", chunking, workers, settings });
      onTestFinished(() => fleet[Symbol.asyncDispose]());
      const registered: RegisteredProfile = await readProfile(database, profile.name);
      const embedded = async () => (await readCoverage(database, registered)).embedded;
      await waitFor("some of the batch", async () => (await embedded()) > documents / 10);
      return { queue: await queueOf(database, servers.queue), fleet, embedded };
    }

    test("by SIGTERM: it exits with 0, returns the rest without counting an attempt, and nothing is embedded twice", async () => {
      const { queue: server, fleet, embedded } = await startOneBatch(1, oneBatch);
      expect(await fleet.stopWorker(0)).toBe(0);
      const done = await embedded();
      expect(done).toBeLessThan(documents);
      expect(fleet.embeddedChunks().size).toBe(done);

      await using queue = new EmbedQueue(server, profile.name, () => {});
      expect(await queue.counts()).toEqual({ waiting: 1, active: 0, delayed: 0, failed: 0 });
      const [job] = await queue.bullmq.getJobs(["waiting", "prioritized"]);
      expect(job?.attemptsMade).toBe(0);

      fleet.addWorker();
      await waitFor("the rest", async () => (await embedded()) === documents);
      expect([...fleet.embeddedChunks().values()].every((times) => times === 1)).toBe(true);
    });

    test("by SIGKILL: another one takes over the batch, and embeds only what was not stored", async () => {
      // An empty variable means the default.
      const { fleet, embedded } = await startOneBatch(2, { ...oneBatch, LOCK_SECONDS: "" });
      const working = fleet.embeddedBy(0).length > 0 ? 0 : 1;
      await fleet.killWorker(working);
      const before = await embedded();
      expect(before).toBeLessThan(documents);
      await waitFor("the other worker to go on", async () => (await embedded()) > before);
      await waitFor("the rest", async () => (await embedded()) === documents);
      const twice = [...fleet.embeddedChunks().values()].filter((times) => times > 1);
      // The one micro-batch that it was embedding.
      expect(twice.length).toBeLessThanOrEqual(1);
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
