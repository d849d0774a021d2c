import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostileRequest, type Port, sendBytes } from "./hostile-requests.ts";
import { addressesOf, reembed, standIns } from "./run-reembed.ts";

const apiKey = "a-key-of-the-search";
const passwords = { DASHBOARD_PASSWORD: "correct horse", DASHBOARD_VIEWER_PASSWORD: "just looking" };
const requestsPerPort = 150;

interface Member {
  command: string;
  child: ChildProcess;
  lines: string[];
}

describeOnEachServer(
  "any request",
  (open) => {
    const members: Member[] = [];
    const ports: [command: string, message: string, role: "nobody" | "viewer" | "admin" | "key"][] = [
      ["producer", "health and metrics ready", "nobody"],
      ["worker", "health and metrics ready", "nobody"],
      ["search", "health and metrics ready", "nobody"],
      ["dashboard", "health and metrics ready", "nobody"],
      ["search", "search ready", "nobody"],
      ["search", "search ready", "key"],
      ["dashboard", "dashboard ready", "nobody"],
      ["dashboard", "dashboard ready", "viewer"],
      ["dashboard", "dashboard ready", "admin"],
    ];
    afterAll(async () => {
      for (const { child } of members) child.kill("SIGTERM");
      await Promise.all(members.map(({ child }) => child.exitCode ?? once(child, "exit")));
    });

    beforeAll(async () => {
      const servers = await open();
      const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
      await using database = await openTestDatabase(servers, profiles);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      await storeBodies(database, ["заработная плата", "отпуск"]);
      const env = {
        PATH: process.env.PATH,
        ...addressesOf(servers),
        ...standIns,
        ...passwords,
        SEARCH_API_KEY: apiKey,
        SEARCH_RATE_LIMIT: "0",
        SEARCH_PORT: "0",
        DASHBOARD_PORT: "0",
        OPERATIONS_PORT: "0",
      };
      for (const command of ["producer", "worker", "search", "dashboard"]) {
        const child = spawn(process.execPath, [reembed, command], { env, stdio: ["ignore", "ignore", "pipe"] });
        const lines: string[] = [];
        createInterface(child.stderr).on("line", (line) => lines.push(line));
        members.push({ command, child, lines });
      }
      for (const [command, message] of ports) await portOf(command, message);
    });

    const portOf = async (command: string, message: string): Promise<number> => {
      const { lines } = memberOf(members, command);
      const line = await waitFor(message, () => lines.find((told) => told.includes(`"msg":"${message}"`)));
      const told = JSON.parse(line) as { port?: number; url?: string; overview?: string };
      return told.port ?? Number(new URL(told.url ?? told.overview ?? "").port);
    };

    test.each(ports)("to a port of the %s (%s) from %s is answered, and the process survives", async (...chosen) => {
      const [command, message, role] = chosen;
      const port: Port = { port: await portOf(command, message), headers: [] };
      if (role === "key") port.headers = [`Authorization: Bearer ${apiKey}`];
      if (role === "viewer" || role === "admin") port.headers = await logIn(port.port, role);
      const answers = fc.asyncProperty(hostileRequest(port), async (request) => {
        for (const status of await sendBytes(port.port, request)) {
          // 503 means that a readiness check has not passed yet.
          expect(status === 503 || status < 500, `${status}`).toBe(true);
        }
        const { exitCode, signalCode } = memberOf(members, command).child;
        expect({ exitCode, signalCode }).toEqual({ exitCode: null, signalCode: null });
      });
      await fc.assert(answers, { numRuns: requestsPerPort });
      expect((await fetch(`http://127.0.0.1:${port.port}/healthz`)).status).toBeLessThan(500);
    });

    test("leaves no stack trace and no internal error in a log", () => {
      for (const { command, lines } of members) {
        const told = lines.filter((line) => /^\s+at |Error:.*\\n\s+at |"level":(50|60)/.test(line));
        expect({ command, told }).toEqual({ command, told: [] });
      }
    });
  },
  ["PostgreSQL and Redis"],
);

function memberOf(members: readonly Member[], command: string): Member {
  const member = members.find((started) => started.command === command);
  if (member === undefined) throw new RangeError(`There is no ${command}`);
  return member;
}

/** The headers with a session, like those of a page of the dashboard. */
async function logIn(port: number, role: "viewer" | "admin"): Promise<string[]> {
  const origin = `http://127.0.0.1:${port}`;
  const password = role === "admin" ? passwords.DASHBOARD_PASSWORD : passwords.DASHBOARD_VIEWER_PASSWORD;
  const answer = await fetch(`${origin}/login`, {
    method: "POST",
    headers: { origin },
    body: new URLSearchParams({ password }),
    redirect: "manual",
  });
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
  if (cookie === undefined) throw new Error(`Log-in answered ${answer.status}`);
  return [`Cookie: ${cookie}`, `Origin: ${origin}`];
}
