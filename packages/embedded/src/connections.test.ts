import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "./embedded-database.ts";

describe("connections to the embedded database", () => {
  const scope = new AsyncDisposableStack();
  let database: EmbeddedDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "reembed-connections-"));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    database = scope.use(await openEmbeddedDatabase({ folder }));
    pool = openPool();
  });

  afterAll(() => scope.disposeAsync());

  test("store vectors and search them", async () => {
    await pool.query("create table points (id int, at vector(3))");
    await pool.query("insert into points values (1, $1), (2, $2)", ["[1,0,0]", "[0,1,0]"]);
    const { rows } = await pool.query("select id from points order by at <=> $1 limit 1", ["[0.1,0.9,0]"]);
    expect(rows).toEqual([{ id: 2 }]);
  });

  test("find BullMQ's tables without the name of their schema", async () => {
    await pool.query("create schema bullmq");
    await pool.query("create table bullmq.only_here (id int)");
    await expect(pool.query("select * from only_here")).resolves.toMatchObject({ rows: [] });
  });

  test("get the answers to their own queries, however many run at once", async () => {
    const pools = Array.from({ length: 10 }, () => openPool());
    const askers = pools.flatMap((asked, index) => [0, 1, 2].map((slot) => askMany(asked, `${index}-${slot}`)));
    const wrong = (await Promise.all(askers)).flat();
    expect(wrong).toEqual([]);
  });

  test("see each other's transactions completely or not at all", async () => {
    await pool.query("create table pairs (half int)");
    const counts: number[] = [];
    const write = async (ends: "commit" | "rollback") => {
      const client = await pool.connect();
      await client.query("begin");
      await client.query("insert into pairs values ($1)", [1]);
      await client.query("insert into pairs values ($1)", [2]);
      await client.query(ends);
      client.release();
    };
    const read = async () => {
      const { rows } = await pool.query("select count(*)::int as count from pairs where half > $1", [0]);
      counts.push(rows[0].count);
    };
    await Promise.all([write("commit"), read(), write("rollback"), read(), write("commit"), read()]);
    await read();
    expect(counts.filter((count) => count % 2 === 1)).toEqual([]);
    expect(counts.at(-1)).toBe(4);
  });

  test("leave nothing behind when one breaks within a transaction", async () => {
    const client = await cutOffable();
    await client.query("begin");
    await client.query("create table half_done (id int)");
    client.cutOff();
    const { rows } = await pool.query("select to_regclass('half_done') as found");
    expect(rows).toEqual([{ found: null }]);
  });

  test("leave nothing behind when one breaks within a query", async () => {
    const client = await cutOffable();
    await client.query("begin");
    client.sendWithoutSync("selekt");
    client.cutOff();
    const { rows } = await pool.query("select $1::int as one", [1]);
    expect(rows).toEqual([{ one: 1 }]);
  });

  test("get an error when a statement nests too deep", async () => {
    await pool.query(`create function down(i int) returns int language plpgsql as
      'begin if i = 0 then return 0; end if; return down(i - 1) + 1; end'`);
    await expect(pool.query("select down(100)")).resolves.toMatchObject({ rows: [{ down: 100 }] });
    await expect(pool.query("select down(300)")).rejects.toThrow("stack depth limit exceeded");
  });

  test("are accepted on the loopback address only", async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address)
      .filter((address) => address !== "127.0.0.1");
    const { hostname, port } = new URL(database.connectionString);
    expect(hostname).toBe("127.0.0.1");
    for (const host of [...others, "::1"]) await expect(accepts(host, Number(port)), host).resolves.toBe(false);
    await expect(accepts(hostname, Number(port))).resolves.toBe(true);
  });

  function openPool(): pg.Pool {
    const opened = new pg.Pool({ connectionString: database.connectionString, max: 3 });
    scope.defer(() => opened.end());
    return opened;
  }

  /**
   * Runs queries of every form, each of which can check that the answer is its own. Transactions are included, because
   * answers got mixed up when queries had to wait for a transaction to end.
   */
  async function askMany(asked: pg.Pool, asker: string): Promise<unknown[]> {
    const wrong: unknown[] = [];
    for (let turn = 0; turn < 40; turn++) {
      const tag = `${asker}-${turn}`;
      const [text, values, expected] = [
        ["select $1::text as tag", [tag], tag],
        ["select $1::int, $2::text as tag, $3::float", [turn, tag, 0.5], tag],
        ["select $1::int / 0 as tag", [turn], "division by zero"],
      ][turn % 3] as [string, unknown[], string];
      const client = await asked.connect();
      if (turn % 4 === 0) await client.query("begin");
      const answer = await client.query(text, values).then(
        ({ rows }) => rows[0]?.tag,
        (error: Error) => error.message,
      );
      if (turn % 4 === 0) await client.query("rollback");
      client.release();
      if (answer !== expected) wrong.push({ text, expected, answer });
    }
    return wrong;
  }

  async function cutOffable() {
    const client = new pg.Client(database.connectionString);
    client.on("error", () => {});
    await client.connect();
    const { stream, parse } = wire(client);
    return {
      query: (text: string) => client.query(text),
      sendWithoutSync: (text: string) => parse({ text }),
      cutOff: () => stream.destroy(),
    };
  }
});

/** Private parts of node-postgres. */
function wire(client: pg.Client) {
  const { connection } = client as unknown as {
    connection: { stream: { destroy(): void }; parse(query: { text: string }): void };
  };
  return { stream: connection.stream, parse: connection.parse.bind(connection) };
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => resolve(socket.destroy() !== undefined));
    socket.once("error", () => resolve(false));
  });
}
