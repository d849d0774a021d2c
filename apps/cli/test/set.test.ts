import { EmbedQueue } from "@reembed/queue";
import { readProfile } from "@reembed/store/profiles";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { expect, test } from "vitest";
import { queueOf } from "../src/hosting/services.ts";
import { startFleet } from "./fleet.ts";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const bodies = (from: number) => Array.from({ length: 6 }, (_, index) => `Text ${from + index}.`);

describeOnOneServer("reembed set", (open) => {
  test("changes the bounds of a producer and a worker that are running, and says who did", async () => {
    const servers = await open();
    const environment = { ...standIns, LOG_LEVEL: "warn", ...addressesOf(servers), BATCH_SIZE: "6" };
    const run = (...args: string[]) => runReembed(args, { environment });
    const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
    await using database = await openTestDatabase(servers, profiles);
    const { chunking } = testProfile("mini-m3");
    const fleetSettings = { BATCH_SIZE: "6", WORKER_CONCURRENCY: "1" };
    await using fleet = startFleet(servers, { profile: "mini-m3", chunking, workers: 1, settings: fleetSettings });
    await using queue = new EmbedQueue(await queueOf(database, servers.queue), "mini-m3", () => {});
    // Whoever enqueues may enqueue a chunk twice, as after a tick that was taken over: sizes tell, and not how many there are.
    const known = new Set<string | undefined>();
    const untilBatchOf = async (size: number) => {
      const sizes = async () => {
        const jobs = await queue.bullmq.getJobs(["completed"]);
        return jobs.filter(({ id }) => !known.has(id)).map(({ data }) => data.chunkIds.length);
      };
      await expect.poll(sizes, { timeout: 240_000 }).toContain(size);
      for (const { id } of await queue.bullmq.getJobs(["completed"])) known.add(id);
    };
    await waitFor("the worker", () => fleet.hasLogged(0, "worker ready"));
    await storeBodies(database, bodies(0));
    await untilBatchOf(6);

    const why = ["--by", "anna", "--reason", "short texts"];
    expect(jsonLines(await run("set", "batch-size", "2", ...why, "--json"))).toMatchObject([
      { name: "BATCH_SIZE", value: 2, origin: "set", set: { changedBy: "anna", reason: "short texts" } },
    ]);
    await run("set", "WORKER_CONCURRENCY", "3", ...why);
    await waitFor("the worker to follow", () => fleet.hasLogged(0, "batches at a time changed"));
    await storeBodies(database, bodies(6));
    await untilBatchOf(2);

    expect((await run("set")).stdout).toMatch(
      /^BATCH_SIZE +2 +a whole number from 1 to 1000 +set by anna on .* UTC: short texts$/m,
    );
    expect((await run("set", "BATCH_SIZE", "--reset")).stdout).toMatch(/^BATCH_SIZE +6 .* environment$/m);
    await storeBodies(database, bodies(12));
    await untilBatchOf(6);
    expect((await readProfile(database, "mini-m3")).state).not.toBe("retired");
  });

  test("refuses what is no bound and what is out of range", async () => {
    const environment = { ...standIns, ...addressesOf(await open({ empty: true })) };
    const run = async (...args: string[]) => {
      const { code, stderr } = await runReembed(["set", ...args], { environment });
      return [code, stderr.split("\n").slice(0, 2).join(" ")];
    };
    expect(await run("MAX_ACTIVE_SESSION", "9")).toEqual([
      2,
      "error: There is no bound MAX_ACTIVE_SESSION that changes while processes run.   Did you mean MAX_ACTIVE_SESSIONS?",
    ]);
    expect(await run("BATCH_SIZE", "9", "--reset")).toEqual([
      2,
      "error: --reset needs the name of one bound, and no value.   `reembed set` lists the names.",
    ]);
  });
});
