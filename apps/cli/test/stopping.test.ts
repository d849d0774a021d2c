import { openDatabase } from "@reembed/store/database";
import { ensureRollout } from "@reembed/store/rollout";
import {
  folderOf,
  type NativePostgres,
  type NativeRedis,
  nativeUnavailable,
  openTestDatabase,
  startNativePostgres,
  startNativeRedis,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { OtlpReceiver } from "@reembed/testing/telemetry";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { reembed, standIns } from "./run-reembed.ts";
import { type Running, startReembed, startRunning } from "./running.ts";

const missing = nativeUnavailable();
const title = "processes that are stopped";
const ready = /"(worker|producer|search|dashboard) ready"/;

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  const scope = new AsyncDisposableStack();
  let postgres: NativePostgres;
  let redis: NativeRedis;
  let environment: Record<string, string>;
  beforeAll(async () => {
    postgres = scope.use(await startNativePostgres());
    redis = scope.use(await startNativeRedis());
    const connectionString = await postgres.createDatabase();
    const servers = { connectionString, queue: { kind: "redis", url: redis.url } } as const;
    await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
    await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
    await storeBodies(database, ["заработная плата", "отпуск"]);
    const ports = { SEARCH_PORT: "0", DASHBOARD_PORT: "0", OPERATIONS_PORT: "0" };
    environment = { ...standIns, ...ports, DATABASE_URL: connectionString, REDIS_URL: redis.url, TICK_SECONDS: "0.2" };
  });
  afterAll(() => scope.disposeAsync());

  async function startAll(more: Record<string, string> = {}): Promise<Running[]> {
    const servers = ["producer", "worker", "search", "dashboard"].map((command) =>
      startReembed([command], { ...environment, ...more }),
    );
    const watching = startReembed(["status", "--watch", "--json"], environment);
    await Promise.all([...servers.map(({ told }) => told(ready)), watching.told(/"profile"/)]);
    return [...servers, watching];
  }

  async function expectEnd(running: readonly Running[]): Promise<void> {
    for (const { process } of running) process.kill("SIGTERM");
    const ends = await Promise.all(
      running.map(async ({ process, ended }) => [process.spawnargs.at(2), ...(await ended)]),
    );
    expect(ends).toEqual(running.map(({ process }) => [process.spawnargs.at(2), 0, null]));
  }

  test("end with 0 while all servers are away", async () => {
    const running = await startAll();
    await Promise.all([postgres.kill(), redis.kill()]);
    onTestFinished(async () => void (await Promise.all([postgres.restart(), redis.restart()])));
    await expectEnd(running);
  });

  test("end with 0 while the servers accept everything but do not answer", async () => {
    const running = await startAll();
    const thaw = () => [postgres, redis].map((server) => server.thaw());
    onTestFinished(() => void thaw());
    for (const server of [postgres, redis]) server.freeze();
    await expectEnd(running);
  });

  test("end with 0 after Redis was killed and has come back empty", async () => {
    const running = await startAll();
    await redis.kill();
    const back = redis.restart({ keepData: false });
    await expectEnd(running);
    await back;
  });

  test("end with 0 while the collector of their traces hangs or is away, and log that once", async () => {
    await using hanging = await OtlpReceiver.start({ hangs: true });
    const database = openDatabase({ connectionString: environment.DATABASE_URL ?? "", maxConnections: 1 });
    onTestFinished(() => database.$client.end());
    for (const OTEL_EXPORTER_OTLP_ENDPOINT of [hanging.endpoint, "http://127.0.0.1:9"]) {
      const running = await startAll({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_SCHEDULE_DELAY: "10" });
      await database.execute(sql`update reembed.chunks set content = content || '.'`);
      await Promise.race(running.map(({ told }) => told(/"trace_id":.*"batch done"/)));
      await expectEnd(running);
      for (const { lines } of running) {
        expect(lines.filter((line) => /telemetry was not sent/.test(line)).length).toBeLessThan(4);
      }
    }
    expect(hanging.requests).toBeGreaterThan(0);
  });

  test("a supervisor and its processes end with 0 while the servers do not answer", async () => {
    const supervisor = startReembed(["worker", "--processes", "2"], environment);
    await waitFor("both to be ready", () => supervisor.lines.filter((line) => ready.test(line)).length === 2);
    onTestFinished(() => void [postgres, redis].map((server) => server.thaw()));
    for (const server of [postgres, redis]) server.freeze();
    await expectEnd([supervisor]);
  });

  // npm sends the signal to a shell, which dies silently. The log closes when no process is left that writes to it.
  test("end when the npx or npm run that started them is stopped", async () => {
    const scripts = { producer: `${process.execPath} ${reembed} producer`, older: `${reembed} producer` };
    const cwd = await folderOf({ "package.json": JSON.stringify({ scripts }) });
    const root = new URL("../../..", import.meta.url).pathname;
    const running = [
      startRunning(["npx", "reembed", "producer"], environment, root),
      startRunning(["npm", "run", "producer"], environment, cwd),
      startRunning(["npm", "run", "older"], environment, cwd),
    ];
    await Promise.all(running.map(({ told }) => told(ready)));
    for (const { process } of running) process.kill("SIGTERM");
    for (const { ended, lines } of running) {
      await ended;
      expect(lines.join("\n")).toMatch(/"signal":"SIGTERM","msg":"producer stopping"/);
    }
  });
});
