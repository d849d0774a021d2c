import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openEmbeddedDatabase } from "./embedded-database.ts";

describe("the embedded database", () => {
  const scope = new AsyncDisposableStack();
  let root: string;
  let folders = 0;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "reembed-database-"));
    scope.defer(() => rm(root, { recursive: true, force: true }));
    await cp(inject("embeddedTemplates").emptyFolder, join(root, "template"), { recursive: true });
    const template = await openEmbeddedDatabase({ folder: join(root, "template") });
    await query(template, "create table notes (text text)");
    await template[Symbol.asyncDispose]();
  });

  afterAll(() => scope.disposeAsync());

  test("belongs to only one of two processes that start at once", async () => {
    const folder = join(root, "new");
    const starts = await Promise.allSettled([openEmbeddedDatabase({ folder }), openEmbeddedDatabase({ folder })]);
    for (const start of starts) if (start.status === "fulfilled") scope.use(start.value);
    expect(starts.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(starts.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "embedded_locked" } });
  });

  test("is refused to a second process, with the first one's pid and how to share the database", async () => {
    const folder = await copyTemplate();
    const owner = await startOwner(folder);
    await expect(openEmbeddedDatabase({ folder })).rejects.toMatchObject({
      code: "embedded_locked",
      exitCode: 3,
      message: `The embedded database in ${folder} is in use by process ${owner.pid}.`,
      remedy: `Stop that process, or share its database: DATABASE_URL=${owner.connectionString}`,
    });
  });

  test("can be opened again after it was closed", async () => {
    const folder = await copyTemplate();
    const first = await openEmbeddedDatabase({ folder });
    await query(first, "insert into notes values ('kept')");
    await Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()]);
    await expect(query(first, "select")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await using second = await openEmbeddedDatabase({ folder });
    expect(await query(second, "select * from notes")).toEqual([{ text: "kept" }]);
  });

  test("closes despite an open transaction, and rolls it back", async () => {
    const folder = await copyTemplate();
    const first = await openEmbeddedDatabase({ folder });
    const client = new pg.Client(first.connectionString);
    const cutOff = new Promise((resolve) => client.once("error", resolve));
    await client.connect();
    await client.query("begin");
    await client.query("insert into notes values ($1)", ["half"]);
    await first[Symbol.asyncDispose]();
    await cutOff;
    await using second = await openEmbeddedDatabase({ folder });
    expect(await query(second, "select * from notes")).toEqual([]);
  });

  test("keeps what was written before it and its owner were killed", async () => {
    const folder = await copyTemplate();
    const owner = await startOwner(folder);
    await query(owner, "insert into notes select 'note ' || i from generate_series(1, 5000) i");
    owner.signalGroup("SIGKILL");
    await owner.exited;
    await using database = await openEmbeddedDatabase({ folder });
    expect(await query(database, "select count(*)::int from notes")).toEqual([{ count: 5000 }]);
  });

  test("ends when its owner is killed, and the next owner opens it", async () => {
    const folder = await copyTemplate();
    const owner = await startOwner(folder);
    owner.signal("SIGKILL");
    await owner.exited;
    await using database = await openEmbeddedDatabase({ folder });
    await expect(query(owner, "select")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await query(database, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  // Windows has no process groups that can be sent a signal.
  test.skipIf(process.platform === "win32")(
    "ignores Ctrl-C, so that its owner can use it until it has drained",
    async () => {
      const folder = await copyTemplate();
      const owner = await startOwner(folder);
      owner.signalGroup("SIGINT");
      expect(await owner.nextLine()).toBe("drained");
      expect(await owner.exited).toEqual([0, null]);
    },
  );

  test("reports to its owner that a statement has ended it, and can be opened again", async () => {
    const folder = await copyTemplate();
    const first = await openEmbeddedDatabase({ folder });
    await query(first, "insert into notes values ('kept')");
    await expect(query(first, "copy notes from stdin")).rejects.toThrow();
    expect(await first.ended).toMatchObject({
      code: "embedded_ended",
      message: expect.stringContaining(`The embedded database in ${folder} ended: FATAL`),
      remedy: "Start again: everything that was committed is still there",
    });
    await using second = await openEmbeddedDatabase({ folder });
    expect(await query(second, "select * from notes")).toEqual([{ text: "kept" }]);
  });

  test("names a path that cannot be a folder", async () => {
    const folder = join(root, "a-file");
    await writeFile(folder, "");
    await expect(openEmbeddedDatabase({ folder })).rejects.toMatchObject({
      code: "embedded_unwritable",
      message: expect.stringMatching(`^The folder ${folder} cannot be used: EEXIST`),
    });
  });

  test("quotes Postgres about data that it cannot read", async () => {
    const folder = await copyTemplate();
    await writeFile(join(folder, "data/PG_VERSION"), "12\n");
    await expect(openEmbeddedDatabase({ folder })).rejects.toMatchObject({
      code: "embedded_unreadable",
      message: expect.stringContaining("The data directory was initialized by PostgreSQL version 12"),
      remedy: expect.stringContaining(`${folder}/data`),
    });
  });

  /** Copies a prepared database, which takes a tenth of the time of creating one. */
  async function copyTemplate(): Promise<string> {
    const folder = join(root, `copy-${++folders}`);
    await cp(join(root, "template"), folder, { recursive: true });
    return folder;
  }

  /** Another process that has the folder open, in a process group of its own. */
  async function startOwner(folder: string) {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", ownerProgram, folder], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    await once(child, "spawn");
    const pid = child.pid as number;
    scope.defer(async () => {
      child.kill("SIGKILL");
      await exited;
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextLine = async () => (await lines.next()).value as string;
    return {
      pid,
      exited,
      nextLine,
      connectionString: await nextLine(),
      signal: (name: NodeJS.Signals) => child.kill(name),
      signalGroup: (name: NodeJS.Signals) => process.kill(-pid, name),
    };
  }
});

const ownerProgram = `
  import pg from ${JSON.stringify(import.meta.resolve("pg"))};
  import { openEmbeddedDatabase } from ${JSON.stringify(new URL("./index.ts", import.meta.url))};
  const database = await openEmbeddedDatabase({ folder: process.argv[1] });
  process.once("SIGINT", async () => {
    const client = new pg.Client(database.connectionString);
    await client.connect();
    await client.query("insert into notes values ('drained')");
    await client.end();
    await database[Symbol.asyncDispose]();
    console.log("drained");
  });
  console.log(database.connectionString);`;

async function query({ connectionString }: { connectionString: string }, text: string): Promise<unknown[]> {
  const client = new pg.Client(connectionString);
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
