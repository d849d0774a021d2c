import { startOnnxEmbedder } from "@reembed/embedder";
import { storeDocuments } from "@reembed/store/corpus";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { describeOnEachServer, HashingEmbedder, openTestDatabase, testProfile, waitFor } from "@reembed/testing";
import { SomeEmbeddingServer } from "@reembed/testing/embedders";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { startFleet } from "./fleet.ts";
import { fleetCorpus } from "./fleet-corpus.ts";
import { addressesOf, runReembed, standIns } from "./run-reembed.ts";

const chunking = { size: 600, overlap: 60 };
const profile = testProfile("mini-m3", chunking);
const { model } = profile;
const startModel = () => startOnnxEmbedder({ model, modelsFolder: "unused", device: "cpu" });

describeOnEachServer(
  "a worker with EMBEDDING_ENDPOINT",
  (open) => {
    test("embeds a corpus over HTTP, waits while the server is away, and refuses one with another model", async () => {
      const servers = await open();
      await using scope = new AsyncDisposableStack();
      const database = await openTestDatabase(servers, [profile]);
      scope.defer(() => database.$client.end());
      await storeDocuments(database, fleetCorpus(60));
      const registered = await readProfile(database, profile.name);
      const coverage = () => readCoverage(database, registered);

      const first = scope.use(await SomeEmbeddingServer.start(await startModel()));
      first.requiredKey = "sk-test";
      const { endpoint } = first;
      const settings = { EMBEDDING_ENDPOINT: endpoint, EMBEDDING_API_KEY: "sk-test", EMBEDDING_REQUEST_TEXTS: "4" };
      const fleet = scope.use(startFleet(servers, { profile: "mini-m3", chunking, workers: 1, settings }));
      await waitFor("the first vectors", async () => {
        expect(fleet.exited()).toEqual([]);
        return (await coverage()).embedded > 0;
      });
      const { rows } = await database.execute(sql`select device from reembed.workers`);
      expect(rows).toEqual([{ device: "http" }]);
      expect(Math.max(...first.requests.map(({ input }) => input.length))).toBeLessThanOrEqual(4);

      await first[Symbol.asyncDispose]();
      const away = { pending: (await coverage()).pending };
      const port = Number(new URL(endpoint).port);
      scope.use(await SomeEmbeddingServer.start(await startModel(), port));
      expect(away.pending).toBeGreaterThan(0);
      await waitFor("every chunk", async () => (await coverage()).pending === 0);
      expect(await coverage()).toMatchObject({ coverage: 1, quarantined: 0 });
      expect(
        fleet
          .logs()
          .flatMap(({ lines }) => lines)
          .filter((line) => line.includes("sk-test")),
      ).toEqual([]);

      await using other = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
      const environment = {
        ...{ ...standIns, ...addressesOf(servers), EMBEDDING_ENDPOINT: other.endpoint },
        ...{ MAX_CHUNK_SIZE: `${chunking.size}`, CHUNK_OVERLAP: `${chunking.overlap}` },
      };
      for (const command of ["worker", "verify"]) {
        const { code, stderr } = await runReembed([command], { environment });
        expect({ command, code }).toEqual({ command, code: 2 });
        expect(stderr).toContain("The embedding server does not have mini-m3");
      }
    });
  },
  ["PostgreSQL"],
);

test("a worker with both --device and EMBEDDING_ENDPOINT ends with exit code 2", async () => {
  const environment = { ...standIns, EMBEDDING_ENDPOINT: "http://127.0.0.1:9/v1" };
  const { code, stdout, stderr } = await runReembed(["worker", "--device", "cpu"], { environment });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(
    /^error: --device cpu was given, but the embedding server at http:\/\/127\.0\.0\.1:9 embeds for mini-m3\.\n/,
  );
});
