import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "@reembed/store/database";
import {
  createDatabase,
  folderOf,
  postgresAccount,
  startNativePostgres,
  startNativeRedis,
  waitFor,
} from "@reembed/testing";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { type Outcome, runReembed, standIns } from "./run-reembed.ts";

const native = inject("native");
const skipped = native.missing === undefined ? "" : `: skipped, ${native.missing}`;
/** Nothing listens on TCP port 1, which belongs to the port multiplexer that nobody uses. */
const nobody = "127.0.0.1:1";

function run(args: readonly string[], environment: Record<string, string>): Promise<Outcome> {
  return runReembed(args, { environment: { ...standIns, ...environment } });
}

function expectRefusal(
  { code, stdout, stderr }: Outcome,
  expected: { code: number; lines: (string | RegExp)[] },
): void {
  expect({ code, stdout }).toEqual({ code: expected.code, stdout: "" });
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toEqual(expected.lines.map((line) => (typeof line === "string" ? line : expect.stringMatching(line))));
}

test("a database that is away is named by its address, without its password or a stack trace", async () => {
  const environment = { DATABASE_URL: `postgresql://user:hunter2@${nobody}/corpus` };
  for (const command of ["init", "status"]) {
    expectRefusal(await run([command], environment), {
      code: 1,
      lines: [
        `error: The database corpus at ${nobody} cannot be opened: connect ECONNREFUSED ${nobody}`,
        "  Check that the server is running and that DATABASE_URL is right.",
      ],
    });
  }
});

describe.skipIf(native.missing !== undefined)(`native servers${skipped}`, () => {
  const postgres = native.missing === undefined ? native.postgres : "";
  const connect = (connectionString: string) => {
    const { $client: pool } = openDatabase({ connectionString, maxConnections: 1 });
    onTestFinished(() => pool.end());
    return pool;
  };
  const withPart = (connectionString: string, parts: Partial<URL>) =>
    Object.assign(new URL(connectionString), parts).href;

  test("a server without this database is reported as such", async () => {
    const DATABASE_URL = withPart(postgres, { pathname: "/nowhere" });
    expectRefusal(await run(["init"], { DATABASE_URL }), {
      code: 1,
      lines: [/^error: The database nowhere at 127.*: database "nowhere" does not exist$/, /DATABASE_URL/],
    });
  });

  test("an untrusted certificate is reported with a remedy", async () => {
    const folder = await folderOf({});
    const [certificate, key] = [join(folder, "server.pem"), join(folder, "server.key")];
    const subject = ["-subj", "/CN=127.0.0.1", "-days", "1", "-nodes", "-keyout", key, "-out", certificate];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", ...subject], { stdio: "ignore" });
    const account = postgresAccount();
    if (account !== undefined) for (const path of [folder, key]) chownSync(path, account.uid, account.gid);
    const settings = { ssl: "on", ssl_cert_file: certificate, ssl_key_file: key };
    await using server = await startNativePostgres({ settings });
    const withMode = (mode: string) => `${server.connectionString}?sslmode=${mode}`;
    expectRefusal(await run(["init"], { DATABASE_URL: withMode("verify-full") }), {
      code: 1,
      lines: [/cannot be opened: self-signed certificate/, /add sslrootcert=<.*sslmode=no-verify/],
    });
    expect(await run(["init"], { DATABASE_URL: withMode("no-verify") })).toMatchObject({ code: 0 });
  });

  test("a PostgreSQL without pgvector is refused with exit code 3", async () => {
    await using bare = await startNativePostgres({ pgvector: false });
    expectRefusal(await run(["init"], { DATABASE_URL: bare.connectionString }), {
      code: 3,
      lines: ["error: This PostgreSQL server has no pgvector.", "  Install pgvector 0.8 or newer on it."],
    });
  });

  test("a Redis that evicts keys is refused with exit code 3, its policy and a remedy", async () => {
    await using redis = await startNativeRedis({ policy: "allkeys-lru" });
    expectRefusal(await run(["init"], { DATABASE_URL: postgres, REDIS_URL: redis.url }), {
      code: 3,
      lines: [/^error: Redis evicts keys.*maxmemory-policy allkeys-lru/, /CONFIG SET maxmemory-policy noeviction/],
    });
  });

  test("a node of a Redis Cluster is refused with exit code 3", async () => {
    await using redis = await startNativeRedis({ cluster: true });
    expectRefusal(await run(["init"], { DATABASE_URL: postgres, REDIS_URL: redis.url }), {
      code: 3,
      lines: [/^error: Redis is a node of a cluster/, /Set REDIS_URL to a Redis without cluster mode/],
    });
  });

  test.for(["WIN1251", "SQL_ASCII"])(
    "a database in %s is refused with exit code 3 by init, and named by doctor",
    async (encoding) => {
      const name = `in-${encoding.toLowerCase()}-${Date.now()}`;
      await connect(postgres).query(`create database "${name}" template template0 encoding '${encoding}' locale 'C'`);
      const DATABASE_URL = withPart(postgres, { pathname: `/${name}` });
      expectRefusal(await run(["init"], { DATABASE_URL }), {
        code: 3,
        lines: [`error: The database stores texts as ${encoding}; Reembed needs UTF8.`, /ENCODING 'UTF8'/],
      });
      expect(await run(["doctor"], { DATABASE_URL })).toMatchObject({
        code: 3,
        stdout: expect.stringMatching(
          new RegExp(`^PostgreSQL +must be fixed +The database stores texts as ${encoding}`, "m"),
        ),
      });
    },
  );

  test("a Redis that is away is named by its address, without its password", async () => {
    const REDIS_URL = `redis://:hunter2@${nobody}`;
    expectRefusal(await run(["init"], { DATABASE_URL: postgres, REDIS_URL }), {
      code: 1,
      lines: [
        `error: Redis at ${nobody} does not answer: connect ECONNREFUSED ${nobody}`,
        "  Check that the server is running and that REDIS_URL is right.",
      ],
    });
  });

  test("every command except init refuses a database without tables, with exit code 3 and a remedy", async () => {
    const DATABASE_URL = await createDatabase(postgres);
    const path = await folderOf({ "secret.md": "hunter2" });
    const commands = [["status"], ["load", path], ["worker"], ["producer"], ["dashboard"]];
    for (const outcome of await Promise.all(commands.map((args) => run(args, { DATABASE_URL })))) {
      expectRefusal(outcome, {
        code: 3,
        lines: [
          "error: The database does not have Reembed's tables.",
          "  Run `reembed init` with the same environment.",
        ],
      });
    }
  });

  test("tables of an older version are refused with exit code 3", async () => {
    const DATABASE_URL = await createDatabase(postgres);
    expect(await run(["init"], { DATABASE_URL })).toMatchObject({ code: 0 });
    await connect(DATABASE_URL).query("update reembed.migrations set created_at = created_at - 1");
    expectRefusal(await run(["status"], { DATABASE_URL }), {
      code: 3,
      lines: ["error: Reembed's tables in the database are of an older version.", /Run `reembed init`/],
    });
  });

  test("a database that was set up for Redis has no queue of its own: exit code 3", async () => {
    await using redis = await startNativeRedis();
    const DATABASE_URL = await createDatabase(postgres);
    const withRedis = { DATABASE_URL, REDIS_URL: redis.url };
    expect(await run(["init"], withRedis)).toMatchObject({ code: 0 });
    expect(await run(["status"], withRedis)).toMatchObject({ code: 0 });
    expectRefusal(await run(["producer"], { DATABASE_URL }), {
      code: 3,
      lines: [/^error: The database has no tables for the queue/, /Run `reembed init`.*REDIS_URL/],
    });
  });

  test("a role that may not create the tables gets an error that says so", async () => {
    const database = await createDatabase(postgres);
    await connect(postgres).query("drop role if exists reader; create role reader login");
    expectRefusal(await run(["init"], { DATABASE_URL: withPart(database, { username: "reader" }) }), {
      code: 1,
      lines: [/^error: PostgreSQL refused: permission denied/, /Give the role in DATABASE_URL this right/],
    });
  });

  test("a server that goes away during a load is reported without the texts of the documents", async () => {
    const DATABASE_URL = await createDatabase(postgres);
    expect(await run(["init"], { DATABASE_URL })).toMatchObject({ code: 0 });
    const blocker = connect(DATABASE_URL);
    await blocker.query("begin; lock table reembed.documents");
    const loading = run(["load", await folderOf({ "secret.md": "hunter2" })], { DATABASE_URL });

    await waitFor("the load to be at the lock, and its connection to be ended", async () => {
      const { rows } = await blocker.query(`select pg_terminate_backend(pid) from pg_locks
        where not granted and relation = 'reembed.documents'::regclass`);
      return rows.length > 0;
    });
    expectRefusal(await loading, {
      code: 1,
      lines: [/^error: The connection to a server was lost: .*terminat/, /Run the command again/],
    });
  });
});
