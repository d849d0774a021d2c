import { createLogger } from "@reembed/runtime";
import { type Database, openDatabase } from "@reembed/store/database";
import { readLastTask } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readAnnIndex } from "@reembed/store/search";
import {
  describeOnEachServer,
  fillWithVectors,
  holdUpBuilds,
  openTestDatabase,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { describeTask, runTasks } from "../tasks/index.ts";
import { buildRequestedIndex, requestIndexBuild } from "./requested-build.ts";

const log = createLogger("silent");
const anna = { by: "anna", reason: "tonight" };
const ben = { by: "ben", reason: "tonight too" };

describeOnEachServer(
  "an index that a page has asked for",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let servers: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => {
      servers = await open();
      database = await openTestDatabase(servers, [testProfile("mini-m3")]);
      await fillWithVectors(database, await readProfile(database, "mini-m3"), 300);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`truncate reembed.tasks`);
      await database.execute(sql`update reembed.profiles set state = 'backfilled', ann = null`);
      await database.execute(sql`drop index if exists reembed."chunk_embeddings_mini-m3_ann"`);
      profile = await readProfile(database, "mini-m3");
    });
    const start = (of = database) =>
      runTasks({
        ...{ database: of, kind: "index build", everyMs: 20, log },
        perform: (name, performing) => buildRequestedIndex(of, name, performing),
      });
    const last = async () => {
      const task = await readLastTask(database);
      if (task === undefined) throw new Error("There is no task");
      return task;
    };
    const untilState = (state: string) => waitFor(state, async () => (await last()).state === state);

    test("is built and measured by one of two producers, and it is told who asked and what came of it", async () => {
      await requestIndexBuild(database, profile, anna);
      expect(describeTask(await last())).toMatch(/^anna asked for the index build of mini-m3 at .*\. It waits for/);
      await using _first = start();
      await using _second = start();
      await untilState("done");
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true, kind: "hnsw" });
      expect((await readProfile(database, "mini-m3")).ann).toMatchObject({ kind: "hnsw" });
      expect(describeTask(await last())).toMatch(/It is done: recall@10 is .* ms a search\.$/);
    });

    test("is not asked for twice at once: the second is told by whom", async () => {
      const outcomes = await Promise.allSettled([anna, ben].map((who) => requestIndexBuild(database, profile, who)));
      const [refused] = outcomes.filter(({ status }) => status === "rejected");
      expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1);
      expect(refused).toMatchObject({ reason: { code: "task_open", exitCode: 3 } });
      expect(String(refused?.status === "rejected" && refused.reason.message)).toMatch(/^(anna|ben) asked for/);
      await expect(requestIndexBuild(database, { ...profile, state: "backfilling" }, ben)).rejects.toMatchObject({
        code: "backfill_incomplete",
      });
    });

    test("keeps no connection of a producer that is stopped, while the server goes on building", async () => {
      const release = await holdUpBuilds(database, profile);
      onTestFinished(release);
      const { connectionString, schema } = servers;
      const own = openDatabase({ connectionString, schema });
      await requestIndexBuild(database, profile, anna);
      const producer = start(own);
      const isBuilding = async () => (await readAnnIndex(database, profile)).building !== null;
      await waitFor("the build in the server", isBuilding);
      await producer[Symbol.asyncDispose]();
      await own.$client.end();
      expect(await isBuilding()).toBe(true);
      await release();
      await waitFor("the end of the build", async () => !(await isBuilding()));
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true });
    });

    test("that a stopped producer has begun is asked for again, and the server's build is followed", async () => {
      const release = await holdUpBuilds(database, profile);
      onTestFinished(release);
      await requestIndexBuild(database, profile, anna);
      const first = start();
      await waitFor("the build in the server", async () => (await readAnnIndex(database, profile)).building !== null);
      await waitFor("its progress", async () => (await last()).says?.startsWith("waiting for writers"));
      await first[Symbol.asyncDispose]();
      expect(describeTask(await last())).toContain("It failed: Its process was stopped: ask again");
      await requestIndexBuild(database, profile, ben);
      await using _second = start();
      await untilState("running");
      await release();
      await untilState("done");
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true });
    });

    test("whose process gives no sign of life is lost, and is asked for again", async () => {
      await requestIndexBuild(database, profile, anna);
      await database.execute(
        sql`update reembed.tasks set taken_by = 'a host', seen_at = now() - interval '61 seconds'`,
      );
      expect(describeTask(await last())).toContain("a host has given no sign of life for a minute: ask again");
      await requestIndexBuild(database, profile, ben);
      expect(await last()).toMatchObject({ requestedBy: "ben", state: "waiting" });
      await database.execute(sql`update reembed.tasks set requested_at = now() - interval '2 hours'`);
      expect(describeTask(await last())).toContain("none will any more: ask again");
    });

    test("that cannot be built says why", async () => {
      await requestIndexBuild(database, profile, anna);
      await database.execute(sql`update reembed.profiles set state = 'backfilling'`);
      await using _producer = start();
      await untilState("failed");
      expect(describeTask(await last())).toContain("It failed: The backfill of mini-m3 is not complete");
      expect((await last()).says).toContain("Wait until it is complete");
    });
  },
  ["PostgreSQL"],
);
