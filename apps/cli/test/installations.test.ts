import { resolveProfile } from "@reembed/core";
import { describeOnEachServer, type TestServers, waitFor } from "@reembed/testing";
import pg from "pg";
import { expect, test } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const { dimensions } = resolveProfile("mini-rubert").model;
const elsewhere = "reembed_notes";
const rows = 30;
const options = ["--reembed", "--content", "content", "--no-document", "--no-position"];
const done = { code: 0, stderr: "" };

interface Status {
  profile: string;
  state: string;
  chunks: number;
  pending: number;
  changes: number;
}

/** Two tables of one application, without vectors. */
async function createTables(client: pg.Client): Promise<void> {
  await client.query("create extension if not exists vector");
  for (const table of ["pages", "notes"]) {
    await client.query(
      `create table ${table} (id bigserial primary key, content text, embedding vector(${dimensions}))`,
    );
    await client.query(`insert into ${table} (content) select '${table} ' || n from generate_series(1, ${rows}) n`);
  }
}

/** The commands and the processes of the installation in a schema. */
function installation(servers: TestServers, schema: string | undefined) {
  const own: Record<string, string> = schema === undefined ? {} : { REEMBED_SCHEMA: schema };
  const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn", ...own };
  const run = (...args: string[]) => runReembed(args, { environment });
  return {
    run,
    fleet: (): Fleet =>
      startFleet(servers, {
        ...{ profile: "mini-m3", chunking: resolveProfile("mini-m3").chunking, workers: 1 },
        settings: { ...standIns, MAX_CHUNK_SIZE: "", CHUNK_OVERLAP: "", ...own },
      }),
    embedded: (chunks: number) =>
      waitFor("every row to be embedded", async () => {
        const status = jsonLines<Status>(await run("status", "--json")).find(({ profile }) => profile === "mini-m3");
        return status?.state === "backfilled" && status.chunks === chunks && status.pending + status.changes === 0;
      }),
  };
}

describeOnEachServer(
  "two installations in one database",
  (open) => {
    test("migrate a table each, beside edits, and one of them goes while the other goes on", async () => {
      const servers = await open({ empty: true });
      await using scope = new AsyncDisposableStack();
      const client = new pg.Client(servers);
      await client.connect();
      scope.defer(() => client.end());
      const query = async (text: string) => (await client.query(text)).rows;
      await createTables(client);
      const pages = installation(servers, undefined);
      const notes = installation(servers, elsewhere);

      expect(await pages.run("init")).toMatchObject(done);
      expect(await pages.run("adopt", "pages", ...options)).toMatchObject(done);
      const advice = `npx reembed init\`, and this command and all others for it with REEMBED_SCHEMA=${elsewhere} too.`;
      expect(await pages.run("adopt", "notes", ...options)).toMatchObject({
        ...{ code: 3, stderr: expect.stringContaining(`\`REEMBED_SCHEMA=${elsewhere} ${advice}`) },
      });
      expect(`${Object.values(await pages.run("adopt"))}`).toContain(
        `run         REEMBED_SCHEMA=${elsewhere} npx reembed init\n  then        REEMBED_SCHEMA=${elsewhere} npx reembed adopt public.notes`,
      );
      expect(await notes.run("status")).toMatchObject({
        ...{ code: 3, stderr: expect.stringContaining(`does not have Reembed's tables in the schema ${elsewhere}`) },
      });
      expect(await notes.run("init")).toMatchObject(done);
      expect(await notes.run("adopt", "notes", ...options)).toMatchObject(done);
      expect(await notes.run("init")).toMatchObject(done);
      expect(await pages.run("init")).toMatchObject(done);

      const ofPages = scope.use(pages.fleet());
      const ofNotes = scope.use(notes.fleet());
      for (const { run } of [pages, notes]) expect(await run("backfill", "start")).toMatchObject(done);
      await query("update pages set content = content || ' edited' where id % 3 = 0");
      await query("insert into notes (content) select 'later ' || n from generate_series(1, 5) n");
      await query("delete from notes where id <= 2");
      await Promise.all([pages.embedded(rows), notes.embedded(rows + 3)]);
      for (const { run } of [pages, notes]) {
        expect(await run("verify", "--profile", "mini-m3")).toMatchObject(done);
      }
      const texts = async (schema: string, table: string) =>
        await query(`select count(*)::int as vectors, count(t.id)::int as "of this text"
          from ${schema}.chunk_embeddings e left join ${table} t
            on t.id = e.chunk_id and sha256(convert_to(t.content, 'UTF8')) = e.content_hash where e.profile = 'mini-m3'`);
      expect(await texts("reembed", "pages")).toEqual([{ vectors: rows, "of this text": rows }]);
      expect(await texts(elsewhere, "notes")).toEqual([{ vectors: rows + 3, "of this text": rows + 3 }]);

      expect((await notes.run("status")).stdout).toMatch(`This installation is in the schema ${elsewhere}.`);
      expect((await pages.run("status")).stdout).not.toContain("in the schema");
      expect((await pages.run("doctor")).stdout).toContain(
        `this one is in reembed; the database has others in ${elsewhere} (public.notes)`,
      );
      expect((await notes.run("adopt")).stdout).toContain("adopted     by another installation, in the schema reembed");

      for (const { run } of [pages, notes]) expect(await run("expose", "mini-m3")).toMatchObject(done);
      expect(await query("select nspname from pg_namespace where nspname ~ 'mini_m3' order by 1")).toEqual([
        { nspname: "reembed_mini_m3" },
        { nspname: `${elsewhere}_mini_m3` },
      ]);
      expect(await query(`select count(*)::int from ${elsewhere}_mini_m3.notes`)).toEqual([{ count: rows + 3 }]);

      await ofNotes[Symbol.asyncDispose]();
      expect(await notes.run("expose", "mini-m3", "--remove")).toMatchObject(done);
      const still = await notes.run("uninstall", "--yes", "--json", "--overrule", "workers=they are stopped");
      expect(still.stderr).toBe("");
      expect(jsonLines(still)).toMatchObject([
        { tables: [{ name: "public.notes" }], functions: [`${elsewhere}_profile(text)`] },
      ]);
      expect(await query("select nspname from pg_namespace where nspname ~ 'notes'")).toEqual([]);
      expect(await query("select from pg_trigger where tgrelid = 'notes'::regclass")).toEqual([]);

      await query("update pages set content = content || ' again' where id = 1");
      await query("insert into pages (content) values ('the last')");
      await pages.embedded(rows + 1);
      expect(await pages.run("verify", "--profile", "mini-m3")).toMatchObject(done);
      expect(await query("select count(*)::int from reembed_mini_m3.pages")).toEqual([{ count: rows + 1 }]);
      expect(await query("select reembed_profile('a') as profile")).toEqual([{ profile: "mini-rubert" }]);
      expect(ofPages.exited()).toEqual([]);
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
