import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { failuresOfSoak, failuresOfTests } from "./failures.ts";
import { runLogged } from "./run-logged.ts";
import { Tally } from "./tally.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reembed-stress-test-"));
  return () => rm(folder, { recursive: true });
});

/** A report in Vitest's format of one file with tests of these states. */
async function reportOf(status: string, tests: Record<string, string>): Promise<string> {
  const assertionResults = Object.entries(tests).map(([fullName, state]) => ({ fullName, status: state }));
  const file = join(folder, "report.json");
  await writeFile(file, JSON.stringify({ testResults: [{ name: resolve("a/b.test.ts"), status, assertionResults }] }));
  return file;
}

describe("the failures of a run of the tests", () => {
  test("are the tests that failed, by file and title", async () => {
    const report = await reportOf("failed", { "a suite passes": "passed", "a suite fails": "failed", late: "skipped" });
    expect(await failuresOfTests(report, { end: 1 })).toEqual([{ file: "a/b.test.ts", title: "a suite fails" }]);
  });

  test("include a file that failed without a failed test", async () => {
    const report = await reportOf("failed", {});
    expect(await failuresOfTests(report, { end: 1 })).toEqual([{ file: "a/b.test.ts", title: "the file itself" }]);
  });

  test("include the run itself, if the error was outside all tests or there is no report", async () => {
    const run = [{ file: "vitest", title: "the run itself, which ended with 1" }];
    expect(await failuresOfTests(await reportOf("passed", { passes: "passed" }), { end: 1 })).toEqual(run);
    const killed = [{ file: "vitest", title: "the run itself, which ended with SIGKILL" }];
    expect(await failuresOfTests(join(folder, "none.json"), { end: "SIGKILL" })).toEqual(killed);
  });

  test("are empty if all tests passed", async () => {
    expect(await failuresOfTests(await reportOf("passed", { passes: "passed" }), { end: 0 })).toEqual([]);
  });
});

test("a failed soak is reported with its seed, with which it can be repeated", () => {
  expect(failuresOfSoak(158_273, { end: 0 })).toEqual([]);
  expect(failuresOfSoak(158_273, { end: 1 })).toEqual([{ file: "soak", title: "--seed 158273, which ended with 1" }]);
});

test("the table shows what failed how often and in which runs, the most frequent first", () => {
  const tally = new Tally(5);
  expect(tally.failed).toBe(false);
  expect(tally.table()).toBe("Nothing failed in 5 runs.");
  const [often, once] = [{ file: "b.test.ts", title: "often" }, ...failuresOfSoak(7, { end: 1 })] as const;
  expect(tally.add(1, [often])).toBe(1);
  expect(tally.add(1, once === undefined ? [] : [once])).toBe(1);
  expect(tally.add(3, [often])).toBe(1);
  expect(tally.add(4, [])).toBe(0);
  expect(tally.failed).toBe(true);
  expect(tally.table().split("\n")).toEqual([
    "failed    in run          what",
    "2 of 5    1, 3            b.test.ts  often",
    "1 of 5    1               soak  --seed 7, which ended with 1",
  ]);
});

test("the log of a failed run is kept, with both outputs", async () => {
  const log = join(folder, "run.log");
  expect(await runLogged(["-e", "console.log('out'); console.error('err')"], log)).toEqual({ end: 0 });
  expect(existsSync(log)).toBe(false);
  expect(await runLogged(["-e", "console.log('out'); console.error('err'); process.exit(3)"], log)).toEqual({ end: 3 });
  expect((await readFile(log, "utf8")).trim().split("\n").sort()).toEqual(["err", "out"]);
  expect(await runLogged(["-e", "process.kill(process.pid, 'SIGKILL')"], log)).toEqual({ end: "SIGKILL" });
});
