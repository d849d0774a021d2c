import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage, readLiveWorkers, startBackfill } from "@reembed/store/progress";
import {
  describeOnEachServer,
  openTestDatabase,
  storeBodies,
  type TestServers,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { addressesOf, reembed, runReembed, standIns } from "./run-reembed.ts";

const profile = testProfile("mini-m3");

interface LogLine {
  msg: string;
  pid?: number;
  code?: number | null;
  signal?: string | null;
}

function startSupervisor(servers: TestServers): { process: ChildProcess; lines: LogLine[]; ended: Promise<unknown[]> } {
  const child = spawn(process.execPath, [reembed, "worker", "--processes", "2"], {
    env: { PATH: process.env.PATH, ...standIns, ...addressesOf(servers) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: LogLine[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(JSON.parse(line) as LogLine));
  return { process: child, lines, ended: once(child, "close") };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describeOnEachServer(
  "a worker with several processes",
  (open) => {
    async function startTwo() {
      const servers = await open();
      const database = await openTestDatabase(servers, [profile]);
      onTestFinished(() => database.$client.end());
      const supervisor = startSupervisor(servers);
      const started = () => supervisor.lines.filter(({ msg }) => msg === "process started").map(({ pid }) => pid ?? 0);
      const ready = () => supervisor.lines.filter(({ msg }) => msg === "worker ready").length;
      await waitFor("both to be ready", () => ready() === 2);
      return { servers, database, supervisor, started, ready };
    }

    test("restarts one that was killed, and ends all of them when it is stopped", async () => {
      const { database, supervisor, started, ready } = await startTwo();
      await waitFor("both to be seen", async () => (await readLiveWorkers(database)).length === 2);
      const [first = 0] = started();
      process.kill(first, "SIGKILL");
      await waitFor("a third process to be ready", () => ready() === 3);
      expect(supervisor.lines).toContainEqual(
        expect.objectContaining({ msg: "process ended and is started again", pid: first, signal: "SIGKILL" }),
      );
      supervisor.process.kill("SIGTERM");
      expect(await supervisor.ended).toEqual([0, null]);
      expect(supervisor.lines.filter(({ msg }) => msg === "worker stopping").length).toBe(2);
      expect(started().filter(isAlive)).toEqual([]);
    });

    test("leaves no process behind when it is killed", async () => {
      const { supervisor, started } = await startTwo();
      supervisor.process.kill("SIGKILL");
      await supervisor.ended;
      await waitFor("both to end", () => !started().some(isAlive));
    });

    test("gives up if its processes cannot run, with their exit code and reason", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [profile]);
      await storeBodies(database, ["pay"]);
      await startBackfill(database, await readProfile(database, profile.name));
      const environment = { ...standIns, CANDIDATE_PROFILE: "bge-m3", ...addressesOf(servers) };
      const outcome = await runReembed(["worker", "--processes", "2"], { environment });
      expect(outcome.code).toBe(3);
      expect(outcome.stderr).toContain("Profile bge-m3 is not in the database");
      expect((await readCoverage(database, await readProfile(database, profile.name))).pending).toBe(1);
    });

    test("reports that there is no GPU", async () => {
      const environment = { ...standIns, ...addressesOf(await open()) };
      const outcome = await runReembed(["worker", "--device", "cuda:all"], { environment });
      expect(outcome).toMatchObject({ code: 2 });
      expect(outcome.stderr).toMatch(/nvidia-smi finds no GPU/);
    });
  },
  ["PostgreSQL and Redis"],
);
