import { withShadow } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { claimTask, endTask, requestTask } from "@reembed/store/operators";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { createStagesReader } from "./read-stages.ts";

const guard = { embedded: false, maxQuarantinedShare: 0.01, leastSearches: 100 };

describeOnEachServer(
  "the reader of the stages",
  (open) => {
    let database: Database & AsyncDisposable;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      return () => database[Symbol.asyncDispose]();
    });

    /**
     * While `work` runs, no statement can read the vectors, so that coverage is not answered. In the one session of the embedded
     * database nothing at all would be.
     */
    const whileUnanswered = (work: () => Promise<void>) =>
      database.transaction(async (transaction) => {
        await transaction.execute(sql`lock table reembed.chunk_embeddings in access exclusive mode`);
        await work();
      });

    test("answers with the last stages while a busy database is asked for new ones", async () => {
      const reader = createStagesReader(database, guard, { freshMs: 0 });
      expect((await reader.read())?.stage).toBe(null);
      await storeBodies(database, ["pay", "leave"]);
      await whileUnanswered(async () => {
        for (const _ of [1, 2, 3]) expect((await reader.read())?.stage).toBe(null);
      });
      await waitFor("the new stage", async () => (await reader.read())?.stage === "cut");
    });

    test("waits for the present ones after the rollout has changed, and after a refresh", async () => {
      const reader = createStagesReader(database, guard);
      await reader.read();
      const rollout = await readRollout(database);
      await changeRollout(database, rollout, withShadow(rollout, 20), { by: "anna", reason: "a try" });
      expect((await reader.read())?.stage).toBe("shadow");
      await storeBodies(database, ["pay", "leave", "travel"]);
      const before = await reader.read();
      expect(await reader.read()).toBe(before);
      reader.refresh();
      expect(await reader.read()).not.toBe(before);
    });

    test("waits for the present ones after what a page has asked for has ended", async () => {
      const reader = createStagesReader(database, guard);
      await requestTask(database, { kind: "verification", profile: "mini-m3" }, { by: "anna", reason: "a try" });
      const before = await reader.read();
      expect(await reader.read()).toBe(before);
      const task = await claimTask(database, "a worker", { kind: "verification" });
      await endTask(database, { id: task?.id ?? 0, says: "it is proven", succeeded: true });
      expect(await reader.read()).not.toBe(before);
    });
  },
  ["PostgreSQL"],
);
