import { ensureRollout } from "@reembed/store/rollout";
import {
  nativeUnavailable,
  openTestDatabase,
  startNativePostgres,
  startNativeRedis,
  testProfile,
} from "@reembed/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { runReembed, standIns } from "./run-reembed.ts";
import { type Running, startReembed } from "./running.ts";

const missing = nativeUnavailable();
const title = "processes whose servers are not available yet";
const commands = ["producer", "worker", "search", "dashboard"];
/** Nothing listens on TCP port 1, which belongs to the port multiplexer that nobody uses. */
const nobody = "127.0.0.1:1";
const nowhere = { ...standIns, DATABASE_URL: `postgresql://user:hunter2@${nobody}/corpus` };

test("give up after --wait with exit code 1, and say what they waited for", async () => {
  const outcomes = commands.map((command) => runReembed([command, "--wait", "1"], { environment: nowhere }));
  for (const { code, stderr } of await Promise.all(outcomes)) {
    expect(stderr).toContain(`"msg":"waiting for PostgreSQL at ${nobody}"`);
    expect(stderr).toContain(`error: The database corpus at ${nobody} cannot be opened: connect ECONNREFUSED`);
    expect(stderr).not.toContain("hunter2");
    expect(code).toBe(1);
  }
});

test("do not wait with --wait 0, nor do interactive commands", async () => {
  const impatient = [
    ...commands.map((command) => [command, "--wait", "0"]),
    ["worker", "--processes", "2", "--wait", "0"],
    ["status"],
  ];
  for (const outcome of await Promise.all(impatient.map((args) => runReembed(args, { environment: nowhere })))) {
    expect(outcome.stderr).not.toContain("waiting");
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be opened") });
  }
});

test("end with 0 when they are stopped while they wait", async () => {
  const waiting = commands.map((command) => startReembed([command], nowhere));
  await Promise.all(waiting.map(({ told }) => told(/waiting for PostgreSQL/)));
  for (const { process } of waiting) process.kill("SIGTERM");
  expect(await Promise.all(waiting.map(({ ended }) => ended))).toEqual(commands.map(() => [0, null]));
});

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  test("wait for PostgreSQL, then for Redis, report that, and continue", async () => {
    await using scope = new AsyncDisposableStack();
    const postgres = scope.use(await startNativePostgres());
    const redis = scope.use(await startNativeRedis());
    const connectionString = await postgres.createDatabase();
    const servers = { connectionString, queue: { kind: "redis", url: redis.url } } as const;
    {
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
    }
    await Promise.all([postgres.kill(), redis.kill()]);
    const ports = { SEARCH_PORT: "0", DASHBOARD_PORT: "0" };
    const environment = { ...standIns, ...ports, DATABASE_URL: connectionString, REDIS_URL: redis.url };
    const running: Running[] = commands.map((command) => startReembed([command, "--wait", "600"], environment));
    await Promise.all(running.map(({ told }) => told(/waiting for PostgreSQL at 127\.0\.0\.1:\d+"/)));
    await postgres.restart();
    const queued = running.filter((_, index) => commands[index] !== "search");
    await Promise.all(queued.map(({ told }) => told(/waiting for Redis at 127\.0\.0\.1:\d+"/)));
    await redis.restart();
    await Promise.all(running.map(({ told }) => told(/ ready"/)));
    for (const { process } of running) process.kill("SIGTERM");
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(commands.map(() => [0, null]));
  });

  test("give up on a server that accepts connections but does not answer", async () => {
    const postgres = await startNativePostgres();
    onTestFinished(() => postgres[Symbol.asyncDispose]());
    onTestFinished(() => postgres.thaw());
    postgres.freeze();
    const environment = { ...standIns, DATABASE_URL: postgres.connectionString };
    for (const args of [["producer", "--wait", "0"], ["status"]]) {
      const { code, stderr } = await runReembed(args, { environment });
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be opened") });
    }
  });
});
