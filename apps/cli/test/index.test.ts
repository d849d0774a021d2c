import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { readProfile } from "@reembed/store/profiles";
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
import { expect, onTestFinished, test } from "vitest";
import { addressesOf, reembed, runReembed, standIns } from "./run-reembed.ts";

const m3 = testProfile("mini-m3");
const build = ["index", "build", "--json"];

test("the embedded database has no index", async () => {
  const outcome = await runReembed(build, { environment: standIns });
  expect(outcome).toMatchObject({ code: 3, stdout: "" });
  expect(outcome.stderr).toContain("searches exactly");
});

describeOnEachServer(
  "reembed index build",
  (open) => {
    test("that is killed leaves the build to the server, and a second one follows it to its end and measures the index", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), m3]);
      const profile = await readProfile(database, m3.name);
      await fillWithVectors(database, profile, 600);
      await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      const env = { PATH: process.env.PATH, ...standIns, ...addressesOf(servers) };
      const start = (): ChildProcess => {
        const child = spawn(process.execPath, [reembed, ...build], { env, stdio: ["ignore", "pipe", "pipe"] });
        onTestFinished(() => void child.kill("SIGKILL"));
        return child;
      };

      const release = await holdUpBuilds(database, profile);
      onTestFinished(release);
      const first = start();
      const exited = once(first, "exit");
      const pid = await waitFor("the build", async () => (await readAnnIndex(database, profile)).building?.pid);
      first.kill("SIGKILL");
      await exited;

      const second = start();
      const { stdout, stderr } = second;
      if (stdout === null || stderr === null) throw new TypeError("Its output is not piped");
      const output = text(stdout);
      const told: string[] = [];
      stderr.on("data", (chunk) => void told.push(String(chunk)));
      await waitFor("the second to follow the first", () =>
        told.join("").includes(`already running in the server as process ${pid}`),
      );
      await release();
      expect(JSON.parse(await output)).toMatchObject({ built: false, reached: true });
      expect(await readAnnIndex(database, profile)).toMatchObject({ valid: true, building: null });
      expect((await readProfile(database, m3.name)).ann).not.toBeNull();
    });
  },
  ["PostgreSQL"],
);
