import { EmbedQueue } from "@reembed/queue";
import {
  type NativePostgres,
  type NativeRedis,
  nativeUnavailable,
  startNativePostgres,
  startNativeRedis,
} from "@reembed/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { queueOf } from "../src/hosting/services.ts";
import { endFleetSessions } from "./fleet.ts";
import {
  expectAlive,
  expectComplete,
  type FleetMigration,
  startFleetMigration,
  untilShare,
  untilTold,
} from "./fleet-migration.ts";

const missing = nativeUnavailable();
const title = "a fleet whose servers go away";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  const scope = new AsyncDisposableStack();
  let postgres: NativePostgres;
  let redis: NativeRedis;
  beforeAll(async () => {
    postgres = scope.use(await startNativePostgres());
    redis = scope.use(await startNativeRedis({ appendOnly: true }));
  });
  afterAll(() => scope.disposeAsync());

  /** A migration that is in progress, with two workers and a dashboard. */
  async function startMigration(queue: "redis" | "postgres" = "redis"): Promise<FleetMigration> {
    const connectionString = await postgres.createDatabase();
    await withRedis(redis.url, (client) => client.flushall());
    const migration = await startFleetMigration(
      {
        connectionString,
        queue: queue === "redis" ? { kind: queue, url: redis.url } : { kind: queue, connectionString },
      },
      { documents: 800, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    await untilTold(migration, ["worker", "producer", "dashboard"], / ready"/);
    return migration;
  }

  test("PostgreSQL terminates every session", async () => {
    const migration = await startMigration();
    expect(await endFleetSessions(postgres.connectionString)).toBeGreaterThan(0);
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test.for(["redis", "postgres"] as const)(
    "PostgreSQL is away for a while, with the queue on %s: no batch fails because of that",
    async (kind) => {
      const migration = await startMigration(kind);
      await postgres.kill();
      await untilTold(migration, ["worker", "producer"], /PostgreSQL at 127\.0\.0\.1:\d+/);
      await postgres.restart();
      await expectComplete(migration);
      await expectAlive(migration);
      await using queue = new EmbedQueue(
        await queueOf(migration.database, migration.servers.queue),
        migration.registered.name,
        () => {},
      );
      expect(await queue.counts()).toMatchObject({ failed: 0 });
    },
  );

  test.for([
    { keepData: true, how: "with" },
    { keepData: false, how: "without" },
  ])("Redis is away for a while and comes back $how its data", async ({ keepData }) => {
    const migration = await startMigration();
    await redis.kill();
    await untilTold(migration, ["worker", "producer", "dashboard"], /Waiting for Redis at 127\.0\.0\.1:\d+/);
    await redis.restart({ keepData });
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test("PostgreSQL goes while the queue that Redis has lost is filled again", async () => {
    const migration = await startMigration();
    await redis.kill();
    await untilTold(migration, ["worker", "producer"], /Waiting for Redis at 127\.0\.0\.1:\d+/);
    await redis.restart({ keepData: false });
    await untilTold(migration, ["producer"], /"ticks scheduled"/, 2);
    await postgres.kill();
    await untilTold(migration, ["producer"], /PostgreSQL at 127\.0\.0\.1:\d+/);
    // And a third: it comes back while Redis hangs.
    onTestFinished(() => redis.thaw());
    redis.freeze();
    await postgres.restart();
    await untilTold(migration, ["worker", "producer"], /no answer for 5 s/);
    redis.thaw();
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test("Redis has no memory left for a while", async () => {
    const migration = await startMigration();
    await withRedis(redis.url, (client) => client.config("SET", "maxmemory", "1mb"));
    await untilTold(migration, ["worker", "producer"], /Waiting for Redis at 127\.0\.0\.1:\d+: .*OOM/);
    await withRedis(redis.url, (client) => client.config("SET", "maxmemory", "0"));
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test.for(["PostgreSQL", "Redis"] as const)("%s is cut off for longer than locks last", async (name) => {
    const migration = await startMigration();
    const server = name === "Redis" ? redis : postgres;
    onTestFinished(() => server.thaw());
    server.freeze();
    // They report it after 5 s; locks last 2 s.
    await untilTold(migration, ["worker", "producer"], /no answer for 5 s/);
    server.thaw();
    await expectComplete(migration);
    await expectAlive(migration);
  });
});

async function withRedis(url: string, work: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(url);
  await work(client);
  client.disconnect();
}
