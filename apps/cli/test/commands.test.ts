import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repeatEvery } from "@reembed/runtime";
import { openDatabase } from "@reembed/store/database";
import { recordHeartbeat } from "@reembed/store/progress";
import { describeOnEachServer, folderOf } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { addressesOf, jsonLines, type Outcome, runReembed, standIns } from "./run-reembed.ts";

type Environment = Record<string, string>;

const pages = { "ru/leave.md": "# Отпуск\n\nОтпуск длится 28 дней.", "en/pay.txt": "Salaries are paid twice a month." };

function run(args: readonly string[], environment: Environment): Promise<Outcome> {
  return runReembed(args, { environment: { ...standIns, LOG_LEVEL: "warn", ...environment } });
}

test("without servers the commands keep everything in one folder", async () => {
  const environment = { REEMBED_DIR: await folderOf({}) };
  const folder = await folderOf(pages);
  const load = async () => jsonLines(await run(["load", folder, "--json"], environment))[0];
  expect(await load()).toMatchObject({ added: 2, unchanged: 0 });
  expect(await load()).toMatchObject({ added: 0, unchanged: 2 });
  const outcome = await run(["status", "--json"], environment);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(jsonLines(outcome)).toMatchObject([
    { profile: "mini-rubert", chunks: 2 },
    { profile: "mini-m3", chunks: 2 },
  ]);
});

describeOnEachServer(
  "reembed",
  (open) => {
    /** The environment of a database that `reembed init` has set up. */
    async function initialized(): Promise<Environment> {
      const environment = addressesOf(await open());
      expect(await run(["init", "--json"], environment)).toEqual({
        code: 0,
        stdout: '{"profiles":["mini-rubert","mini-m3"]}\n',
        stderr: "",
      });
      return environment;
    }

    test("a second init finds everything in place", async () => {
      const environment = await initialized();
      expect(await run(["init"], environment)).toEqual({
        code: 0,
        stdout: "The database is ready for mini-rubert and mini-m3.\n",
        stderr: "",
      });
    });

    test("load stores what can be read, names the other documents, and ends with exit code 1", async () => {
      const environment = await initialized();
      const folder = await folderOf({ ...pages, "en/empty.md": " \n", "en/latin.md": Buffer.from([0x61, 0xe9]) });
      const outcome = await run(["load", folder, "--json"], environment);
      expect(outcome).toMatchObject({
        code: 1,
        stderr: "skipped en/empty.md: has no text\nskipped en/latin.md: invalid UTF-8 at byte 2\n",
      });
      const chunks = { added: 4, kept: 0, removed: 0 };
      expect(jsonLines(outcome)).toEqual([{ added: 2, changed: 0, unchanged: 0, chunks, skipped: 2 }]);

      const lines = [JSON.stringify({ uri: "a", title: "A", language: "en", body: "Text." }), '{"uri":', "{}"];
      const jsonl = join(folder, "corpus.jsonl");
      await writeFile(jsonl, lines.join("\n"));
      const { code, stdout, stderr } = await run(["load", jsonl], environment);
      expect(code).toBe(1);
      expect(stdout.split("\n")).toEqual([
        "documents  1 added, 0 changed, 0 unchanged, 2 skipped",
        "chunks     2 added, 0 kept, 0 removed",
        "",
      ]);
      expect(stderr).toMatch(/^skipped corpus\.jsonl:2: invalid JSON.*\nskipped corpus\.jsonl:3: uri: .*\n$/);
    });

    test("a second load stores only changes, and keeps documents whose files are gone", async () => {
      const environment = await initialized();
      const folder = await folderOf(pages);
      const load = async () => {
        const outcome = await run(["load", folder, "--json"], environment);
        expect(outcome).toMatchObject({ code: 0, stderr: "" });
        return jsonLines(outcome)[0];
      };
      const nothing = { added: 0, kept: 0, removed: 0 };
      expect(await load()).toMatchObject({ added: 2 });
      expect(await load()).toEqual({ added: 0, changed: 0, unchanged: 2, chunks: nothing, skipped: 0 });
      await writeFile(join(folder, "en/pay.txt"), "Salaries are paid once a month.");
      await rm(join(folder, "ru/leave.md"));
      expect(await load()).toMatchObject({ changed: 1, unchanged: 0, chunks: { added: 2, removed: 2 } });
    });

    test("load of a missing path ends with exit code 2", async () => {
      const { code, stdout, stderr } = await run(["load", "nowhere"], await initialized());
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^error: The corpus nowhere cannot be read: .*\n {2}Give a folder of .txt and .md files/);
    });

    test("status --json prints one object of the documented shape per profile, and nothing else", async () => {
      const environment = await initialized();
      await run(["load", await folderOf(pages)], environment);
      const outcome = await run(["status", "--json"], environment);
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const loaded = {
        chunks: 2,
        embedded: 0,
        pending: 2,
        changes: 0,
        outdated: 0,
        oldestChangeSeconds: null,
        quarantined: 0,
        coverage: 0,
        queue: { waiting: 0, active: 0, delayed: 0, failed: 0 },
        queueLimits: null,
        adoption: null,
        wrongClocks: [],
        changeLog: { rows: expect.any(Number), oldestSeconds: expect.any(Number) },
        undelivered: null,
        rate: { chunksPerSecond: 0, tokensPerSecond: 0 },
        etaSeconds: null,
        workers: [],
        state: "registered",
        paused: false,
        throttleReason: null,
        backfill: { order: "id", until: null, rate: null },
        forecast: null,
        verification: null,
        index: null,
        spending: null,
        asIs: false,
        next: null,
        migration: {
          ...{ baseline: "mini-rubert", candidate: "mini-m3", percent: 0, rolledBack: null },
          ...{ stage: "cut", since: null, stages: expect.any(Array) },
          next: {
            stage: "embedding",
            missing: ["The backfill of mini-m3 has not begun."],
            command: "reembed backfill start",
          },
        },
      };
      expect(jsonLines(outcome)).toEqual([
        { profile: "mini-rubert", ...loaded },
        { profile: "mini-m3", ...loaded },
      ]);
    });
  },
  ["PostgreSQL and Redis"],
);

describeOnEachServer(
  "reembed",
  (open) => {
    test("four concurrent inits on a new database all succeed", async () => {
      const environment = addressesOf(await open({ empty: true }));
      const outcomes = await Promise.all([1, 2, 3, 4].map(() => run(["init"], environment)));
      for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 0, stderr: "" });
      expect(jsonLines(await run(["status", "--json"], environment))).toHaveLength(2);
    });

    test("status shows the workers of a profile, their rate, and the time left", async () => {
      const servers = await open();
      const environment = addressesOf(servers);
      await run(["init"], environment);
      await run(["load", await folderOf(pages)], environment);
      const database = openDatabase(servers);
      onTestFinished(() => database.$client.end());
      const rates = { chunksPerSecond: 0.5, tokensPerSecond: 40 };
      const worker = { id: "node-1", host: "node", profile: "mini-m3", device: "cpu" };
      // As a worker does: on a busy machine a command takes longer than a heartbeat counts.
      const beat = () => recordHeartbeat(database, { ...worker, pid: 1, modelRevision: "trained-1", ...rates });
      await beat();
      await using _beats = repeatEvery(1_000, beat, () => {});

      expect(jsonLines(await run(["status", "--json"], environment))[1]).toMatchObject({
        profile: "mini-m3",
        rate: rates,
        etaSeconds: 4,
        workers: [{ ...worker, tokensPerSecond: 40 }],
      });
      const { stdout } = await run(["status"], environment);
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.split(/ {2,}/)),
      ).toEqual([
        ["The migration from mini-rubert to mini-m3 is cut."],
        ["The next stage is embedding."],
        ["The backfill of mini-m3 has not begun."],
        ["Run `npx reembed backfill start`."],
        [""],
        [
          "profile",
          "state",
          "chunks",
          "embedded",
          "pending",
          "changes",
          "quarantined",
          "coverage",
          "queued",
          "failed",
          "workers",
          "tokens/s",
          "time left",
        ],
        ["mini-rubert", "registered", "2", "0", "2", "0", "0", "0.0 %", "0", "0", "0", "0", "unknown"],
        ["mini-m3", "registered", "2", "0", "2", "0", "0", "0.0 %", "0", "0", "1", "40", "4 s"],
      ]);
    });

    test("worker for an unregistered profile ends with exit code 3 and a remedy", async () => {
      const environment = addressesOf(await open());
      await run(["init"], environment);
      expect(await run(["worker"], { ...environment, MAX_CHUNK_SIZE: "1000" })).toEqual({
        code: 3,
        stdout: "",
        stderr:
          "error: Profile mini-m3-1000-300 is not in the database.\n  Run `reembed init` with the same environment.\n",
      });
    });
  },
  ["PostgreSQL"],
);
