import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { waitFor } from "../processes/wait-for.ts";
import { nativeUnavailable } from "./native-available.ts";
import { startNativePostgres } from "./native-postgres.ts";
import { startNativeRedis } from "./native-redis.ts";
import { redisCli } from "./redis-cli.ts";

// Not everybody has these servers. The title then says what to install; with CI=true this throws instead.
const reason = nativeUnavailable();
const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(`native servers${skipped}`, () => {
  test("PostgreSQL starts with pgvector available, sorts and folds Cyrillic, and leaves no folder behind", async () => {
    let folder = "";
    {
      await using postgres = await startNativePostgres();
      folder = String(await queryOne(postgres.connectionString, "show data_directory"));
      await queryOne(postgres.connectionString, "create extension vector");
      expect(await queryOne(postgres.connectionString, "select '[1,2]'::halfvec <=> '[2,4]'::halfvec")).toBe(0);
      expect(await queryOne(postgres.connectionString, "select lower('ЁЖ')")).toBe("ёж");
      expect(existsSync(folder)).toBe(true);
    }
    expect(existsSync(folder)).toBe(false);
  });

  test("databases of one server do not see each other's tables, whatever their names", async () => {
    await using postgres = await startNativePostgres();
    const [first, second] = await Promise.all([postgres.createDatabase(), postgres.createDatabase('a "quoted" name')]);
    await queryOne(first, "create table mine ()");
    expect(await queryOne(first, "select to_regclass('mine')")).toBe("mine");
    expect(await queryOne(second, "select to_regclass('mine')")).toBeNull();
    expect(await queryOne(second, "select current_database()")).toBe('a "quoted" name');
  });

  test("a PostgreSQL that is killed in the middle of a statement comes back with all committed data", async () => {
    await using postgres = await startNativePostgres({ settings: { fsync: "on" } });
    const url = await postgres.createDatabase();
    await queryOne(url, "create table committed as select generate_series(1, 1000)");
    const statement = "with recursive busy(i) as (select 1 union all select 1 from busy) select count(*) from busy";
    const cut = expect(queryOne(url, statement)).rejects.toThrow();
    const started =
      "select count(*) from pg_stat_activity where query like 'with recursive busy%' and state = 'active'";
    await waitFor("the statement to run", async () => Number(await queryOne(url, started)));

    await postgres.kill();
    await cut;
    await expect(queryOne(url, "select 1")).rejects.toThrow();

    await postgres.restart();
    expect(await queryOne(url, "show fsync")).toBe("on");
    expect(await queryOne(url, "select count(*) from committed")).toBe("1000");
  });

  test("the error of a PostgreSQL that cannot start quotes its log", async () => {
    await expect(startNativePostgres({ settings: { shared_buffers: "much" } })).rejects.toThrow(
      /^PostgreSQL exited with code 1 .*shared_buffers/s,
    );
  });

  test("Redis evicts nothing, and keeps its data over a restart on request", async () => {
    await using redis = await startNativeRedis();
    expect(await redisCli(redis.url, "config", "get", "maxmemory-policy")).toBe("maxmemory-policy\nnoeviction");

    await redisCli(redis.url, "set", "key", "value");
    await redis.restart();
    expect(await redisCli(redis.url, "get", "key")).toBe("value");

    await redis.restart({ keepData: false });
    expect(await redisCli(redis.url, "exists", "key")).toBe("0");
  });

  test.for([
    { appendOnly: true, kept: "1" },
    { appendOnly: false, kept: "0" },
  ])("a killed Redis with appendOnly $appendOnly comes back with $kept of 1 keys", async ({ appendOnly, kept }) => {
    await using redis = await startNativeRedis({ appendOnly });
    await redisCli(redis.url, "set", "key", "value");
    await redis.kill();
    await redis.restart();
    expect(await redisCli(redis.url, "exists", "key")).toBe(kept);
  });

  test("when the process that started them is killed, servers end and their folders are removed", async () => {
    const parent = startParent();
    onTestFinished(() => void parent.kill("SIGKILL"));
    const { postgres, redis } = await readAddresses(parent);
    const data = String(await queryOne(postgres, "show data_directory"));
    const directory = (await redisCli(redis, "config", "get", "dir")).replace("dir\n", "");
    expect([data, directory].map((path) => existsSync(path))).toEqual([true, true]);

    parent.kill("SIGKILL");
    await waitFor("the folders to go", () => !existsSync(data) && !existsSync(directory));
    await expect(queryOne(postgres, "select 1")).rejects.toThrow("ECONNREFUSED");
    await expect(redisCli(redis, "ping")).rejects.toThrow("Connection refused");
  });
});

async function queryOne(connectionString: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString });
  // If the server is killed, the client emits this in addition to the rejection of the query.
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: "array" });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** Starts a process that starts both servers, prints their addresses and then never ends. */
function startParent(): ChildProcess {
  const program = `
    const { startNativePostgres } = await import(${JSON.stringify(moduleUrl("native-postgres.ts"))});
    const { startNativeRedis } = await import(${JSON.stringify(moduleUrl("native-redis.ts"))});
    const [postgres, redis] = await Promise.all([startNativePostgres(), startNativeRedis()]);
    console.log(JSON.stringify({ postgres: postgres.connectionString, redis: redis.url }));`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
}

function moduleUrl(name: string): string {
  return new URL(name, import.meta.url).href;
}

async function readAddresses(parent: ChildProcess): Promise<{ postgres: string; redis: string }> {
  if (parent.stdout === null) throw new TypeError("The parent's output is not piped");
  for await (const line of createInterface(parent.stdout)) return JSON.parse(line);
  throw new Error("The parent ended without addresses");
}
