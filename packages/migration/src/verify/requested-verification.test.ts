import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readLastTask } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { recordHeartbeat, removeHeartbeat, startBackfill } from "@reembed/store/progress";
import { lastVerification } from "@reembed/store/verification";
import {
  describeOnOneServer,
  HashingEmbedder,
  openTestDatabase,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { embedAll } from "../../test/evaluate-fixtures.ts";
import { describeTask, runTasks } from "../tasks/index.ts";
import { requestVerification, verifyAsRequested } from "./requested-verification.ts";

const m3 = testProfile("mini-m3");
const heartbeat = {
  ...{ id: "w", host: "gpu-1", pid: 1, profile: m3.name, modelRevision: "1" },
  ...{ device: "cpu", chunksPerSecond: 0, tokensPerSecond: 0 },
};
const anna = { by: "anna", reason: "before the rollout" };

describeOnOneServer("a verification that a page has asked for", (open) => {
  let database: Database;
  let profile: RegisteredProfile;
  const embedder = new HashingEmbedder({ model: m3.model });
  beforeAll(async () => {
    database = await openTestDatabase(await open(), [m3, testProfile("mini-rubert")]);
    await storeBodies(database, ["pay day", "leave", "travel"]);
    await startBackfill(database, await readProfile(database, m3.name));
    await embedAll(database, await readProfile(database, m3.name), embedder);
    return () => database.$client.end();
  });
  beforeEach(async () => {
    await database.execute(sql`truncate reembed.tasks, reembed.verifications, reembed.workers`);
    await recordHeartbeat(database, heartbeat);
    await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
    profile = await readProfile(database, m3.name);
  });

  const startWorker = (of = m3.name) =>
    runTasks({
      ...{ database, kind: "verification", profile: of, everyMs: 20, log: createLogger("silent") },
      perform: (name, performing) =>
        verifyAsRequested(database, name, { embedder, maxQuarantinedShare: 0.01, tickMs: 5_000, ...performing }),
    });
  const described = async () => {
    const task = await readLastTask(database);
    if (task === undefined) throw new Error("There is no task");
    return describeTask(task);
  };
  const untilState = (state: string) => waitFor(state, async () => (await readLastTask(database))?.state === state);

  test("is made and recorded by a worker of its profile, and by no other process", async () => {
    await requestVerification(database, profile, anna);
    let others = 0;
    const counting = { everyMs: 20, log: createLogger("silent"), perform: async () => `${++others}` };
    await using _other = runTasks({ database, kind: "verification", profile: "mini-rubert", ...counting });
    await using _producer = runTasks({ database, kind: "index build", ...counting });
    expect(await described()).toContain("It waits for a worker of the profile to take it.");
    await using _worker = startWorker();
    await untilState("done");
    expect(await described()).toContain(
      "It is done: mini-m3 is proven: every chunk has the vector of its present text.",
    );
    expect(await lastVerification(database, profile)).toMatchObject({
      passed: true,
      report: { current: 3, embeddedAgain: { compared: 3 }, device: embedder.device },
    });
    expect(others).toBe(0);
    // The model is the worker's and goes on.
    expect(await embedder.embed(["pay"], { as: "passage" })[Symbol.asyncIterator]().next()).toMatchObject({
      done: false,
    });
  });

  test("that fails is recorded, and says what fails and what repairs it", async () => {
    await database.execute(sql`
      update reembed.chunk_embeddings set content_hash = sha256('other') where profile = ${m3.name}
        and chunk_id = (select max(chunk_id) from reembed.chunk_embeddings where profile = ${m3.name})`);
    await requestVerification(database, profile, anna);
    await using _worker = startWorker();
    await untilState("failed");
    expect(await described()).toMatch(
      /It failed: mini-m3 is not proven: 1 vector is of an older text\. .*No trigger recorded these changes/s,
    );
    expect(await lastVerification(database, profile)).toMatchObject({ passed: false });
  });

  test("is not asked for while no worker of the profile is running", async () => {
    await recordHeartbeat(database, { ...heartbeat, id: "other", profile: "mini-rubert" });
    await removeHeartbeat(database, heartbeat.id);
    await expect(requestVerification(database, profile, anna)).rejects.toMatchObject({
      code: "no_worker",
      message: "No worker of mini-m3 is running.",
    });
  });

  test("is not asked for before the backfill is complete", async () => {
    await expect(requestVerification(database, { ...profile, state: "backfilling" }, anna)).rejects.toMatchObject({
      code: "backfill_incomplete",
      remedy: "Wait until it is complete.",
    });
  });
});
