import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  mountSmallDisk,
  nativeUnavailable,
  postgresAccount,
  smallDiskUnavailable,
  startNativePostgres,
  startNativeRedis,
} from "@reembed/testing";
import { Client } from "pg";
import { describe, onTestFinished, test } from "vitest";
import { expectAlive, expectComplete, startFleetMigration, untilShare, untilTold } from "./fleet-migration.ts";

const missing = nativeUnavailable() ?? smallDiskUnavailable();
const title = "a fleet whose server has a full disk";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  async function startServers({ walFolder, redisFolder }: { walFolder?: string; redisFolder?: string } = {}) {
    const scope = new AsyncDisposableStack();
    onTestFinished(() => scope.disposeAsync());
    const settings: Record<string, string> =
      walFolder === undefined ? {} : { max_wal_size: "8MB", min_wal_size: "2MB" };
    const postgres = scope.use(
      await startNativePostgres({ settings, ...(walFolder === undefined ? {} : { walFolder }) }),
    );
    const redis = scope.use(
      await startNativeRedis({ appendOnly: true, ...(redisFolder === undefined ? {} : { dataFolder: redisFolder }) }),
    );
    return { postgres, queue: { kind: "redis" as const, url: redis.url } };
  }

  async function openDisk(sizeMb: number, account?: ReturnType<typeof postgresAccount>) {
    const disk = await mountSmallDisk(sizeMb, account);
    onTestFinished(() => disk[Symbol.asyncDispose]());
    return disk;
  }

  test("PostgreSQL: workers keep their batches, report why they wait, and continue when there is space", async () => {
    const disk = await openDisk(128, postgresAccount());
    const { postgres, queue } = await startServers();
    const client = new Client({ connectionString: postgres.connectionString });
    await client.connect();
    await client.query(`create tablespace small location '${disk.path}'`);
    await client.query("create database corpus tablespace small");
    await client.end();
    const connectionString = postgres.connectionString.replace(/postgres$/, "corpus");
    const migration = await startFleetMigration(
      { connectionString, queue },
      { documents: 400, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    disk.fill();
    await untilTold(
      migration,
      ["worker"],
      /"waiting for PostgreSQL at .*No space left on device|No space left on device.*"waiting for PostgreSQL at/,
    );
    disk.free();
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test("PostgreSQL's write-ahead log: the server ends, all processes wait for it, and continue when it is back", async () => {
    const disk = await openDisk(96, postgresAccount());
    await mkdir(join(disk.path, "wal"));
    await chown(join(disk.path, "wal"), postgresAccount()?.uid ?? 0, postgresAccount()?.gid ?? 0);
    const { postgres, queue } = await startServers({ walFolder: join(disk.path, "wal") });
    const migration = await startFleetMigration(
      { connectionString: await postgres.createDatabase(), queue },
      { documents: 400, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    disk.fill();
    await untilTold(migration, ["worker", "producer"], /PostgreSQL at 127\.0\.0\.1:\d+/);
    disk.free();
    await postgres.restart();
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test("Redis: all processes report why they wait, and continue when there is space", async () => {
    const disk = await openDisk(16);
    const { postgres, queue } = await startServers({ redisFolder: disk.path });
    const connectionString = await postgres.createDatabase();
    const migration = await startFleetMigration(
      { connectionString, queue },
      { documents: 400, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    disk.fill();
    await untilTold(migration, ["worker", "producer"], /Waiting for Redis at 127\.0\.0\.1:\d+: .*MISCONF/);
    disk.free();
    await expectComplete(migration);
    await expectAlive(migration);
  });
});
