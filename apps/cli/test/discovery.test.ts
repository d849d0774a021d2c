import { resolveProfile } from "@reembed/core";
import { describeOnOneServer, type TestServers } from "@reembed/testing";
import { fillTable, frameworkTables } from "@reembed/testing/frameworks";
import pg from "pg";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

interface Found {
  tables: { table: string; preset: string | null; adopted: boolean; adoptions: { command: string | null }[] }[];
}

describeOnOneServer("reembed adopt without a table", (open) => {
  async function createTables(servers: TestServers): Promise<void> {
    const client = new pg.Client(servers);
    await client.connect();
    for (const table of frameworkTables.filter(({ preset }) => preset === "django")) {
      await fillTable(client, table, { model: resolveProfile("mini-rubert", {}).model });
    }
    await client.query("create table notes (note text, remark text, vec halfvec(700))");
    await client.end();
  }

  test("lists the tables before anything is set up, and prints a command that adopts one of them", async () => {
    const servers = await open({ empty: true });
    await createTables(servers);
    const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
    const run = (...args: string[]) => runReembed(args, { environment });
    const { code, stdout, stderr } = await run("adopt");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 tables have vectors\. Nothing was changed\.\n\npublic\.notes\n/);
    expect(stdout).toContain("  run         npx reembed adopt public.rag_chunk --as django\n");
    expect(stdout).toContain("Say it with --content: note, remark.");

    const found = async () => jsonLines<Found>(await run("adopt", "--json"))[0]?.tables.at(-1);
    const before = await found();
    const command = "reembed adopt public.rag_chunk --as django";
    expect(before).toMatchObject({ preset: "django", adopted: false, adoptions: [{ command }] });

    expect(await run("init")).toMatchObject({ code: 0 });
    const adopted = await run(...command.split(" ").slice(1), "--reembed", "--json");
    expect(jsonLines(adopted)).toMatchObject([{ table: "public.rag_chunk", chunks: "keep", vectors: { left: 6 } }]);
    expect(await found()).toMatchObject({ adopted: true, adoptions: [{ command: null }] });
  });
});
