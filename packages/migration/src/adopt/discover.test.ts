import { type Database, openDatabase } from "@reembed/store/database";
import { describeOnEachServer, describeOnOneServer, type TestServers, testProfile } from "@reembed/testing";
import { fillTable, frameworkTables, someChunks } from "@reembed/testing/frameworks";
import { expect, onTestFinished, test } from "vitest";
import { withCommands } from "./adopt-command.ts";
import { type DiscoveredTable, discoverTables } from "./discover.ts";
import { presets } from "./presets/index.ts";
import type { ProposedSource } from "./proposal.ts";

const baseline = testProfile("mini-rubert");
const { model } = baseline;

function open({ connectionString }: Pick<TestServers, "connectionString">): Database {
  const database = openDatabase({ connectionString, maxConnections: 2 });
  onTestFinished(async () => {
    if (!database.$client.ended) await database.$client.end();
  });
  return database;
}

async function withTable(database: Database, name: string): Promise<void> {
  const table = frameworkTables.find(({ preset }) => preset === name);
  const client = await database.$client.connect();
  if (table !== undefined) await fillTable(client, table, { model });
  client.release();
}

/** What a source's parts are in each row. */
async function readParts(database: Database, { table, id, embedding, ...parts }: ProposedSource) {
  const { content, document, position, title } = parts;
  const column = (expression: string | undefined, type: string) => `(${expression ?? "null"})::${type}`;
  const { rows } = await database.$client.query(
    `select ${column(`"${id[0]}"`, "text")} as id, ${column(content, "text")} as content,
       ${column(document, "text")} as document, ${column(position, "int")} as position, ${column(title, "text")} as title,
       vector_dims((${embedding})::vector) as dimensions
     from ${table} order by ${column(`"${id[0]}"`, "text")}`,
  );
  return rows;
}

async function findOne(database: Database): Promise<DiscoveredTable> {
  const found = await discoverTables(database, baseline);
  expect(found).toHaveLength(1);
  const [table] = found;
  if (table === undefined) throw new Error("No table was found");
  return table;
}

describeOnOneServer(
  "discovery",
  (servers, kind) => {
    test("there is a table for each preset", () => {
      expect(frameworkTables.map(({ preset }) => preset).sort()).toEqual(presets.map(({ name }) => name).sort());
    });

    test.for(frameworkTables.map((table) => [table.preset, table] as const))(
      "recognises the table of %s, and reads from its rows what was embedded",
      async ([, table], { skip }) => {
        skip(kind === "embedded" && table.create.includes("hstore"), "The embedded database has no hstore.");
        const database = open(await servers({ empty: true }));
        await withTable(database, table.preset);
        const found = await findOne(database);
        expect(found).toMatchObject({
          preset: table.preset,
          table: table.table,
          rows: 6,
          obstacles: [],
          adopted: false,
        });
        expect(found.unpadded ?? found.dimensions[0]).toBe(model.dimensions);
        const wanted = someChunks().map((chunk) => ({
          ...{ position: null, title: null, ...table.says(chunk) },
          ...{ content: table.embedded(chunk), dimensions: found.dimensions[0] },
        }));
        expect(await readParts(database, found.source)).toEqual(wanted);
      },
    );
  },
  "PostgreSQL",
);

describeOnEachServer(
  "discovery of a table",
  (servers) => {
    test("names the collections of LangChain's table, each with its rows and its vectors' dimensions", async () => {
      const database = open(await servers({ empty: true }));
      await withTable(database, "langchain");
      await database.$client.query(`
        insert into langchain_pg_collection values ('00000000-0000-4000-9000-000000000002', 'mails', '{}');
        insert into langchain_pg_embedding select 'mail-' || n, '00000000-0000-4000-9000-000000000002', '[1,2,3]', 'Mail', '{}'
        from generate_series(1, 2) n`);
      const { adoptions, dimensions, notes } = await findOne(database);
      expect(adoptions).toEqual([
        {
          ...{ collection: "docs", rows: 6, dimensions: [312] },
          where: `collection_id = '00000000-0000-4000-9000-000000000001'`,
        },
        {
          ...{ collection: "mails", rows: 2, dimensions: [3] },
          where: `collection_id = '00000000-0000-4000-9000-000000000002'`,
        },
      ]);
      expect(dimensions).toEqual([3, 312]);
      expect(notes.join()).not.toContain("--where");
    });

    test("finds pgvector in any schema, the kind of index, and the table of documents", async () => {
      const opened = await servers({ empty: true });
      const database = open(opened);
      await withTable(database, "supabase-sections");
      await database.$client.query("create schema extensions; alter extension vector set schema extensions");
      await database.$client.end();
      expect(await findOne(open(opened))).toMatchObject({
        ...{ preset: "supabase-sections", dimensions: [312], dimensionsFrom: "type" },
        indexes: [{ method: "hnsw", operators: "vector_ip_ops" }],
        source: { documents: { table: "public.documents", key: "id", title: "name" } },
      });
    });

    test("proposes what the columns of an unknown table most likely are", async () => {
      const database = open(await servers({ empty: true }));
      await database.$client.query(`
        create extension if not exists vector; create schema "My Shop";
        create table "My Shop".manuals (code text primary key, headline text, locale text, full_text text);
        create table "My Shop"."Passages" (manual text references "My Shop".manuals, seq smallint, "Body" text, lang text,
          vec halfvec(768), other vector(3), attributes jsonb, primary key (manual, seq))`);
      const found = await discoverTables(database, baseline);
      expect(found.map(({ column, preset, rows }) => ({ column, preset, rows }))).toEqual([
        { column: "vec", preset: null, rows: 0 },
        { column: "other", preset: null, rows: 0 },
      ]);
      expect(found[0]?.source).toEqual({
        ...{ table: `"My Shop"."Passages"`, id: ["manual", "seq"], content: `"Body"`, embedding: `"vec"` },
        ...{ document: `"manual"`, position: `"seq"`, language: `"lang"`, metadata: `"attributes"` },
        documents: {
          table: `"My Shop".manuals`,
          key: "code",
          title: "headline",
          language: "locale",
          body: "full_text",
        },
      });
      expect(found[0]?.notes).toContainEqual(expect.stringContaining("mini-rubert, the baseline, has 312 dimensions"));
    });

    test("says what is in the way, and what to do about it", async () => {
      const database = open(await servers({ empty: true }));
      await database.$client.query(`
        create extension if not exists vector;
        create table bare (embedding vector(3), secret bytea);
        create table several (id int unique, note text, remark text, embedding vector(3));
        create materialized view summary as select * from several`);
      const found = await discoverTables(database, baseline);
      expect(found.map(({ table, obstacles }) => [table, obstacles.map(({ what }) => what)])).toEqual([
        [
          "public.bare",
          [
            "It has no unique index on columns that are never null, by which single rows are found.",
            "It has no column of text; secret is bytea, which may be encrypted.",
          ],
        ],
        [
          "public.several",
          [
            "It has no unique index on columns that are never null, by which single rows are found.",
            "Which column has the text that was embedded cannot be told from their names.",
          ],
        ],
        ["public.summary", ["It is a materialized view, and only tables can have the triggers that record changes."]],
      ]);
      expect(found[1]?.obstacles[1]?.remedy).toBe("Say it with --content: note, remark.");
    });

    test("suggests another installation for each table beside an adopted one, also if two have one name", async () => {
      const database = open(await servers({ empty: true }));
      await database.$client.query(`
        create extension if not exists vector; create schema archive;
        create table notes (id bigserial primary key, content text, embedding vector(3));
        create table archive.notes (id bigserial primary key, content text, embedding vector(3));
        create table items (id bigserial primary key, content text, embedding vector(3))`);
      const found = await discoverTables(database, baseline);
      const schemas = async (adopted: string) => {
        const all = found.map((table) => ({ ...table, adopted: table.table === adopted }));
        return Object.fromEntries((await withCommands(database, all)).map(({ table, schema }) => [table, schema]));
      };
      expect(await schemas("public.items")).toEqual({
        ...{ "public.items": null, "archive.notes": "reembed_notes", "public.notes": "reembed_notes_2" },
      });
      expect(await schemas("none")).toEqual({ "public.items": null, "archive.notes": null, "public.notes": null });
    });

    test("reads only, and estimates the rows of a large table", async () => {
      const database = open(await servers({ empty: true }));
      await database.$client.query(`
        create extension if not exists vector;
        create table items (id bigserial primary key, content text, embedding vector(3));
        insert into items (content, embedding) select repeat('x', 500), '[1,2,3]' from generate_series(1, 3000)`);
      expect(await findOne(database)).toMatchObject({ rows: null, rowsFrom: null, dimensions: [3] });
      await database.$client.query("analyze items");
      expect(await findOne(database)).toMatchObject({ rows: 3_000, rowsFrom: "statistics" });
      const { rows } = await database.$client.query("select count(*)::int from pg_namespace where nspname = 'reembed'");
      expect(rows).toEqual([{ count: 0 }]);
    });
  },
  ["embedded", "PostgreSQL"],
);
