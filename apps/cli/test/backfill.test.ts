import { tick } from "@reembed/producer";
import { EmbedQueue } from "@reembed/queue";
import type { Database } from "@reembed/store/database";
import { quarantineChunks, readPendingChunks } from "@reembed/store/embeddings";
import { readOperatorChanges } from "@reembed/store/operators";
import { readProfile } from "@reembed/store/profiles";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { queueOf } from "../src/hosting/services.ts";
import { addressesOf, jsonLines, type Outcome, runReembed, standIns } from "./run-reembed.ts";

describeOnEachServer(
  "an operator",
  (open) => {
    let database: Database;
    let queue: EmbedQueue;
    let run: (...args: string[]) => Promise<Outcome>;
    beforeAll(async () => {
      const servers = await open();
      const environment = { ...standIns, LOG_LEVEL: "warn", ...addressesOf(servers) };
      run = (...args) => runReembed(args, { environment });
      database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await storeBodies(database, ["Salaries are paid twice a month.", "Leave lasts 28 days.", "Trips."]);
      queue = new EmbedQueue(await queueOf(database, servers.queue), "mini-m3", () => {});
      return async () => {
        await queue[Symbol.asyncDispose]();
        await database.$client.end();
      };
    });
    const profile = () => readProfile(database, "mini-m3");
    const json = async (...args: string[]) => {
      const outcome = await run(...args, "--json");
      expect([args, outcome.code, outcome.stderr]).toEqual([args, 0, ""]);
      return jsonLines(outcome)[0];
    };

    test("starts a backfill with its settings, pauses it and resumes it", async () => {
      const settings = { order: "newest", until: 0.5, rate: 100 };
      const options = ["--order", "newest", "--until", "50%", "--rate", "100"];
      const started = {
        profile: "mini-m3",
        state: "backfilling",
        paused: false,
        ...settings,
        withdrawn: 0,
        prioritised: 0,
      };
      expect(await json("backfill", "start", ...options)).toEqual(started);
      await tick(database, queue, "mini-m3", { batchSize: 1, maxQueuedJobs: 10, tickMs: 1_000 });
      expect((await queue.counts()).waiting).toBe(2);

      const dry = await run("backfill", "pause", "--dry-run");
      expect(dry.stdout).toMatch(/update reembed\.profiles set paused.*-- 2 chunks .* Nothing was changed\.\n$/s);
      expect([(await profile()).paused, (await queue.counts()).waiting]).toEqual([false, 2]);
      expect(await json("backfill", "pause")).toEqual({ profile: "mini-m3", paused: true, withdrawn: 2 });
      expect((await queue.counts()).waiting).toBe(0);
      expect((await run("status")).stdout).toMatch(
        /^mini-m3 +paused +3 +0 +3 .*mini-m3: paused until `reembed backfill resume --profile mini-m3`\n$/ms,
      );
      expect((await run("backfill", "resume")).stdout).toBe("The backfill of mini-m3 continues.\n");
      expect((await profile()).paused).toBe(false);
    });

    test("lists the quarantine and retries one of its chunks", async () => {
      const registered = await profile();
      const [pending] = await readPendingChunks(database, registered, [registered.backfillTarget]);
      const { id: chunkId, contentHash } = pending ?? { id: 0, contentHash: Buffer.of() };
      await quarantineChunks(database, registered, [{ chunkId, contentHash, reason: "too_odd", detail: "It is." }]);
      expect(await json("quarantine", "list")).toMatchObject({
        reasons: [{ reason: "too_odd", chunks: 1 }],
        chunks: [{ chunkId, reason: "too_odd", detail: "It is.", uri: "text-2" }],
      });
      expect((await run("quarantine", "show", `${chunkId}`)).stdout).toMatch(/too_odd.*\n\nTrips\.\n$/s);
      const missing = await run("quarantine", "retry", "--failure", "no such");
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("There is no chunk for no such")]);
      expect((await run("quarantine", "retry", `${chunkId}`, "999", "--by", "anna")).stdout).toBe(
        "1 chunk will be enqueued again. 1 chunk of those named is not in quarantine.\n",
      );
      expect((await readOperatorChanges(database, 1))[0]).toMatchObject({
        ...{
          changedBy: "anna",
          subject: `quarantine of ${registered.name}`,
          fromValue: `1 of chunks ${chunkId}, 999`,
          toValue: "retried",
        },
      });
    });
  },
  ["PostgreSQL and Redis"],
);
