import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { resolveProfile } from "@reembed/core";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
import { fillTable, frameworkTables } from "@reembed/testing/frameworks";
import pg from "pg";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

interface Found {
  tables: { table: string; preset: string | null; adopted: boolean; adoptions: { command: string | null }[] }[];
}

/** The words of a printed command, as a shell splits it. */
async function wordsOf(command: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("sh", ["-c", `printf '%s\\0' ${command}`]);
  return stdout.split("\0").slice(1, -1);
}

describeOnOneServer("reembed adopt without a table", (open) => {
  async function begin(create: (client: pg.Client) => Promise<unknown>) {
    const servers: TestServers = await open({ empty: true });
    const client = new pg.Client(servers);
    await client.connect();
    await create(client);
    await client.end();
    const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
    const run = (...args: string[]) => runReembed(args, { environment });
    return { run, found: async () => jsonLines<Found>(await run("adopt", "--json"))[0]?.tables.at(-1) };
  }

  test("lists the tables before anything is set up, and prints a command that adopts one of them", async () => {
    const { run, found } = await begin(async (client) => {
      for (const table of frameworkTables.filter(({ preset }) => preset === "langchain")) {
        await fillTable(client, table, { model: resolveProfile("mini-rubert", {}).model });
      }
      await client.query(`insert into langchain_pg_collection values (gen_random_uuid(), 'it''s "another"', '{}')`);
      await client.query("create table archive (note text, remark text, vec halfvec(700))");
    });
    const { code, stdout, stderr } = await run("adopt");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 tables have vectors\. Nothing was changed\.\n\npublic\.archive\n/);
    expect(stdout).toContain("Say it with --content: note, remark.");
    expect(stdout).toMatch(/collection docs, about 6 rows, 312 dimensions\n {2}run {9}npx reembed adopt/);

    const before = await found();
    expect(before).toMatchObject({ preset: "langchain", adopted: false, adoptions: [{}, {}] });
    const command = before?.adoptions[0]?.command ?? "";
    expect(command).toMatch(/^reembed adopt public.langchain_pg_embedding --as langchain --where "collection_id = '/);
    expect(await run("init")).toMatchObject({ code: 0 });
    const adopted = await run(...(await wordsOf(command)), "--reembed", "--json");
    expect(adopted.stderr).toBe("");
    expect(jsonLines(adopted)).toMatchObject([{ chunks: "keep", documents: 2, vectors: { left: 6 } }]);
    expect(await found()).toMatchObject({ adopted: true, adoptions: [{ command: null }, { command: null }] });
  });

  test("proposes options for a table that no preset knows, with which it is adopted", async () => {
    const { run, found } = await begin((client) =>
      client.query(`
        create extension vector; create schema "My Shop";
        create table "My Shop".manuals (code text primary key, headline text, full_text text);
        create table "My Shop"."Pass\`ages" (manual text references "My Shop".manuals, seq smallint, "Body" text,
          vec vector(312), attributes jsonb, primary key (manual, seq));
        insert into "My Shop".manuals values ('a', 'A', 'One. Two.');
        insert into "My Shop"."Pass\`ages" values ('a', 1, 'One.', null, '{}'), ('a', 2, 'Two.', null, '{}')`),
    );
    const command = (await found())?.adoptions[0]?.command ?? "";
    expect(await run("init")).toMatchObject({ code: 0 });
    const adopted = await run(...(await wordsOf(command)), "--reembed", "--json");
    expect(adopted.stderr).toBe("");
    expect(jsonLines(adopted)).toMatchObject([{ chunks: "keep", documents: 1, vectors: { left: 2 } }]);
  });
});
