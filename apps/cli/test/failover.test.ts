import {
  nativeUnavailable,
  startNativePostgres,
  startNativeRedis,
  startSwallowingProxy,
  waitFor,
} from "@reembed/testing";
import { Redis } from "ioredis";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectAlive, expectComplete, startFleetMigration, untilShare, untilTold } from "./fleet-migration.ts";

const missing = nativeUnavailable();
const title = "a fleet whose server fails over, behind one address";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title}: skipped, ${missing}`, () => {
  async function queryOne(connectionString: string, statement: string): Promise<unknown> {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return Object.values((await client.query(statement)).rows[0] ?? {})[0];
    } finally {
      await client.end();
    }
  }

  test("PostgreSQL: the standby gets requests before its promotion, and lacks the last commits", async () => {
    const scope = new AsyncDisposableStack();
    onTestFinished(() => scope.disposeAsync());
    const primary = scope.use(await startNativePostgres());
    const standby = scope.use(await startNativePostgres({ standbyOf: primary.connectionString }));
    const redis = scope.use(await startNativeRedis());
    const proxy = scope.use(await startSwallowingProxy(await primary.createDatabase("corpus")));
    const migration = await startFleetMigration(
      { connectionString: proxy.connectionString, queue: { kind: "redis", url: redis.url } },
      { documents: 400, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    await waitFor("the standby to follow", async () =>
      queryOne(primary.connectionString, "select count(*)::int from pg_stat_replication where state = 'streaming'"),
    );
    await queryOne(standby.connectionString, "alter system set primary_conninfo = ''");
    await queryOne(standby.connectionString, "select pg_reload_conf()");
    await waitFor("the standby to be left behind", async () =>
      queryOne(primary.connectionString, "select not exists (select from pg_stat_replication)"),
    );
    await untilShare(migration, 0.2);
    // The standby never gets these vectors, although their jobs are done in Redis.
    await primary.kill();
    proxy.leadTo(standby.connectionString);
    await untilTold(migration, ["worker"], /in a read-only transaction/);
    expect(await queryOne(standby.connectionString, "select pg_promote()")).toBe(true);
    await expectComplete(migration);
    await expectAlive(migration);
  });

  test("Redis: the replica gets requests before its promotion", async () => {
    const scope = new AsyncDisposableStack();
    onTestFinished(() => scope.disposeAsync());
    const postgres = scope.use(await startNativePostgres());
    const primary = scope.use(await startNativeRedis());
    const replica = scope.use(await startNativeRedis({ replicaOf: primary.url }));
    const proxy = scope.use(await startSwallowingProxy(primary.url));
    const follower = new Redis(replica.url);
    scope.defer(() => follower.disconnect());
    await waitFor("the replica to follow", async () =>
      /master_link_status:up/.test(await follower.info("replication")),
    );
    const migration = await startFleetMigration(
      { connectionString: await postgres.createDatabase(), queue: { kind: "redis", url: proxy.connectionString } },
      { documents: 400, workers: 2, dashboard: true },
    );
    await untilShare(migration, 0.1);
    await primary.kill();
    proxy.leadTo(replica.url);
    await untilTold(migration, ["worker", "producer"], /Waiting for Redis at 127\.0\.0\.1:\d+: .*READONLY/);
    await follower.call("replicaof", "no", "one");
    await expectComplete(migration);
    await expectAlive(migration);
  });
});
