import { readStatus } from "@reembed/migration/status";
import { EmbedQueues, TickQueue } from "@reembed/queue";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { queueOf } from "../src/hosting/services.ts";
import { startFleet } from "./fleet.ts";
import { addressesOf, jsonLines, runReembed } from "./run-reembed.ts";

const chunking = { size: 400, overlap: 40 };
const profile = testProfile("mini-m3", chunking);

/** A NODE_OPTIONS value that puts a process's clock a day ahead or behind, by an encoded module. */
const clockOf = (days: number) => {
  const script = `const now = Date.now; Date.now = () => now() + ${days * 86_400_000};`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
};

describeOnEachServer(
  "a fleet on a host with a wrong clock",
  (open) => {
    test.for([1, -1])(
      "by %s day is reported, embeds everything, and leaves a schedule that other producers can continue",
      async (days) => {
        const servers = await open();
        await using database = await openTestDatabase(servers, [profile]);
        await storeBodies(database, ["заработная плата", "отпуск"]);
        const queue = await queueOf(database, servers.queue);
        await using queues = new EmbedQueues(queue, () => {});
        const wrong = startFleet(servers, { profile: "mini-m3", chunking, workers: 1, settings: clockOf(days) });
        let ended = false;
        const end = async () => {
          if (!ended) await wrong[Symbol.asyncDispose]();
          ended = true;
        };
        onTestFinished(end);
        const status = async () => (await readStatus(database, queues))[0];
        await waitFor("everything to be embedded", async () => (await status())?.state === "backfilled");
        expect((await status())?.wrongClocks).toEqual([{ host: expect.any(String), aheadMs: expect.any(Number) }]);
        const environment = {
          ...addressesOf(servers),
          CANDIDATE_PROFILE: "mini-m3",
          MAX_CHUNK_SIZE: "400",
          CHUNK_OVERLAP: "40",
        };
        const told = await runReembed(["status"], { environment });
        expect(told.stdout).toContain(`s ${days < 0 ? "behind" : "ahead of"} the database's.`);
        const doctor = await runReembed(["doctor", "--json", "--sample", "0"], { environment });
        const [{ findings = [] } = {}] = jsonLines<{ findings: { check: string; says: string }[] }>(doctor);
        const clocks = findings.filter(({ check, says }) => check === "clocks" && says.includes("the database's"));
        expect(clocks).toHaveLength(1);
        await end();

        await using ticks = new TickQueue(queue, () => {});
        const before = (await ticks.bullmq.getCompleted(0, 0))[0]?.id;
        const right = startFleet(servers, { profile: "mini-m3", chunking, workers: 0 });
        onTestFinished(() => right[Symbol.asyncDispose]());
        await waitFor("a tick of another producer", async () => {
          const [last] = await ticks.bullmq.getCompleted(0, 0);
          return last !== undefined && last.id !== before;
        });
      },
    );
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
