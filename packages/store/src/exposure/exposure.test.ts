import { adoptedProfile, describeOnEachServer, followingProfile, waitFor } from "@reembed/testing";
import { expect, test } from "vitest";
import { type ExposedApplication, openExposedApplication, vectorOf } from "../../test/exposed-application.ts";
import { createExposure, readExposures, removeExposure } from "./exposure.ts";
import { servingIndex } from "./served-by.ts";

const { dimensions } = followingProfile.model;
const oldDimensions = adoptedProfile.model.dimensions;
const schema = "reembed_mini_m3_500_40";
const path = `${schema},public`;

/** Supabase's template, with a key of the document and a position. */
const supabase: ExposedApplication = {
  tables: `create table documents (id bigserial primary key, content text, metadata jsonb default '{"new": true}',
      embedding vector(${oldDimensions}), source text, place int, views int not null default 0);
    create function match_documents (query_embedding vector(${oldDimensions}), match_count int DEFAULT null, filter jsonb DEFAULT '{}')
    returns table (id bigint, content text, metadata jsonb, similarity float) language plpgsql as $$
    #variable_conflict use_column
    begin
      return query select id, content, metadata, 1 - (documents.embedding <=> query_embedding) as similarity
      from documents where metadata @> filter order by documents.embedding <=> query_embedding limit match_count;
    end; $$;
    create function match_rows (query_embedding vector) returns setof documents language sql stable as $$
      select * from documents order by embedding <=> query_embedding limit 2 $$;
    create function count_old () returns bigint language sql as $$ select count(*) from public.documents $$`,
  rows: `insert into documents (content, metadata, embedding, source, place)
    select 'text ' || n, jsonb_build_object('even', n % 2 = 0), ${vectorOf("n", oldDimensions)}, 'a', n
    from generate_series(1, 60) n`,
  source: {
    ...{ table: "documents", id: ["id"], content: "content", embedding: "embedding" },
    ...{ document: "source", position: "place" },
  },
};

/** The vector of a number as a statement's parameter. */
const parameter = async (client: { query: (text: string) => Promise<{ rows: { v: string }[] }> }, number: number) =>
  (await client.query(`select ${vectorOf(`${number}`, dimensions)}::text as v`)).rows[0]?.v ?? "";

describeOnEachServer(
  "an exposed table",
  (open) => {
    const begin = async (application: ExposedApplication = supabase) => {
      const begun = await openExposedApplication(await open(), application);
      const created = await createExposure(begun.database, await begun.plan(), [begun.role]);
      const switched = await begun.connect(path);
      const query = async (text: string, values: unknown[] = []) => (await switched.query(text, values)).rows;
      return { ...begun, created, switched, query, vector: await parameter(switched, 7) };
    };

    test("is found by its own name through the search_path, with the candidate's vectors", async () => {
      const { client, query, vector, created } = await begin();
      const nearest =
        "select id, content, 1 - (embedding <=> $1) as score from documents order by embedding <=> $1 limit 3";
      expect((await query(nearest, [vector]))[0]).toMatchObject({
        id: "7",
        content: "text 7",
        score: expect.closeTo(1, 3),
      });
      expect(await query(nearest.replaceAll("$1", "$1::vector"), [vector])).toEqual(await query(nearest, [vector]));
      await expect(client.query(nearest, [vector])).rejects.toThrow(/different vector dimensions 312 and 1024/);

      const matched = await query("select * from match_documents($1, 3, '{\"even\": true}')", [vector]);
      expect(matched.map(({ metadata }) => metadata)).toEqual(Array(3).fill({ even: true }));
      expect((await query("select * from match_documents($1, 1)", [vector]))[0]).toMatchObject({ id: "7" });
      expect((await query("select id from match_rows($1)", [vector]))[0]).toEqual({ id: "7" });
      expect(created.functions).toEqual({
        copied: ["public.match_documents(public.vector,integer,jsonb)", "public.match_rows(public.vector)"],
        skipped: [{ signature: "public.count_old()", reason: "its body names public.documents with the schema" }],
      });
    });

    test("is read with the reader's own rights: row security holds, and nothing else of ours can be read", async () => {
      const { admin, query, vector, connect, role } = await begin();
      await admin(`alter table documents enable row level security; alter table documents force row level security;
        create policy own on documents using (id % 2 = 0)`);
      const ids = (await query("select id from documents order by embedding <=> $1 limit 60", [vector])).map(({ id }) =>
        Number(id),
      );
      expect(ids.length).toBe(30);
      expect(ids.every((id) => id % 2 === 0)).toBe(true);
      const application = await connect();
      await expect(application.query('select * from reembed."chunk_embeddings_mini-m3-500-40"')).rejects.toThrow(
        "permission denied for schema reembed",
      );
      const rights =
        await admin(`select table_name, column_name, privilege_type from information_schema.column_privileges
        where grantee = '${role}' and table_schema = 'reembed' order by 2`);
      expect(rights.map(({ column_name, privilege_type }) => `${privilege_type} ${column_name}`)).toEqual([
        "SELECT chunk_id",
        "SELECT embedding",
      ]);
    });

    test("lets a framework make sure that its table exists, once its role may create in the schema", async () => {
      const { admin, query, role } = await begin();
      const ensure = `create table if not exists documents (id bigint, embedding vector)`;
      await expect(query(ensure)).rejects.toMatchObject({ code: "42501" });
      await admin(`grant create on schema ${schema} to ${role}`);
      await query(ensure);
      await query(ensure.replace("documents", `"${schema}"."documents"`));
      expect(await admin(`select relkind from pg_class where relnamespace = '${schema}'::regnamespace`)).toEqual([
        { relkind: "v" },
      ]);
    });

    test("takes writes to the table, and keeps a vector that fits", async () => {
      const { client, query, vector, rows, partition } = await beginWithRows();
      const inserted = await query(
        "insert into documents (content, embedding, source) values ('new', $1, 'b') returning *",
        [vector],
      );
      expect(inserted[0]).toMatchObject({ content: "new", metadata: { new: true }, views: 0 });
      const [{ id }] = inserted;
      expect(await rows(`select embedding from documents where id = ${id}`)).toEqual([{ embedding: null }]);
      expect(
        await rows(`select content_hash = sha256('new') as right from ${partition} where chunk_id = ${id}`),
      ).toEqual([{ right: true }]);
      expect(
        (await query("select id from documents order by embedding <=> $1 limit 2", [vector]))
          .map((row) => row.id)
          .sort(),
      ).toEqual([`${id}`, "7"].sort());
      // A vector of the other model is left out, and the row is written.
      const [old] = await client
        .query("select embedding::text as v from documents where id = 7")
        .then((found) => found.rows);
      const [other] = await query(
        "insert into documents (id, content, embedding) values (1000, 'other', $1) returning id, metadata",
        [old.v],
      );
      expect(other).toEqual({ id: "1000", metadata: { new: true } });
      expect(await rows(`select from ${partition} where chunk_id = 1000`)).toEqual([]);
      expect(await query("select from documents where id = 1000")).toEqual([]);

      expect(
        await query("update documents set views = views + 1, metadata = null where id = 7 returning views, metadata"),
      ).toEqual([{ views: 1, metadata: null }]);
      expect(await query("delete from documents where id in (7, 8, 5000) returning id")).toEqual([
        { id: "7" },
        { id: "8" },
      ]);
      expect(await rows("select count(*)::int as count from documents")).toEqual([{ count: 60 }]);
    });

    const beginWithRows = async (application: ExposedApplication = supabase) => {
      const begun = await begin(application);
      return { ...begun, rows: begun.admin };
    };

    test("loses no update: two that change the same column of a row at once end in an error for one of them", async () => {
      const { query, switched, connect, rows } = await beginWithRows();
      const other = await connect(path);
      await other.query("begin");
      await other.query("update documents set views = views + 1 where id = 1");
      const waiting = query("update documents set views = views + 1 where id = 1");
      const otherColumn = "update documents set source = 'c' where id = 2";
      waiting.catch(() => {});
      await other.query("update documents set metadata = null where id = 2");
      await waitFor("the second update to wait", async () => {
        const waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        return (await rows(waits)).length === 1;
      });
      await other.query("commit");
      await expect(waiting).rejects.toMatchObject({ code: "40001" });
      await switched.query(otherColumn);
      expect(await rows("select id, views, source, metadata from documents where id in (1, 2) order by id")).toEqual([
        { id: "1", views: 1, source: "a", metadata: { even: false } },
        { id: "2", views: 0, source: "c", metadata: null },
      ]);
    });

    test("may have identity columns, computed columns, and vectors that must not be null", async () => {
      const { query, vector, rows } = await beginWithRows({
        ...supabase,
        tables: `create table documents (id bigint primary key generated always as identity, content text not null,
          "Size" int generated always as (length(content)) stored, detail json, embedding vector not null, source text, place int);
          create index on documents using hnsw ((embedding::vector(${oldDimensions})) vector_ip_ops)`,
        rows: `insert into documents (content, detail, embedding) select 'text ' || n, '{"a": 1}', ${vectorOf("n", oldDimensions)}
          from generate_series(1, 20) n`,
      });
      const [{ id }] = await query("insert into documents (content, embedding) values ('four', $1) returning *", [
        vector,
      ]);
      expect(await query("select id, \"Size\" from documents where content = 'four'")).toEqual([{ id, Size: 4 }]);
      expect(await rows(`select vector_norm(embedding) as norm from documents where id = ${id}`)).toEqual([
        { norm: 0 },
      ]);
      expect(
        await query(`update documents set content = 'longer', detail = '{"b": 2}' where id = ${id} returning "Size"`),
      ).toHaveLength(1);
      expect(await rows(`select content, detail, "Size" from documents where id = ${id}`)).toEqual([
        { content: "longer", detail: { b: 2 }, Size: 6 },
      ]);
      await expect(query(`update documents set id = 99 where id = ${id}`)).rejects.toMatchObject({ code: "428C9" });
      await query("insert into documents (id, content) overriding system value values (99, 'x')");
      expect(await rows("select content from documents where id = 99")).toEqual([{ content: "x" }]);
    });

    const keyed = (key: string): ExposedApplication => ({
      ...supabase,
      tables: supabase.tables.replace("id bigserial primary key", key),
    });
    const keys = [
      { keys: "whole numbers", key: "id bigserial primary key" },
      { keys: "uuids", key: "id uuid default gen_random_uuid() primary key" },
    ];

    test.for(keys)(
      "can be created again and removed, and leaves no right behind, if its keys are $keys",
      async ({ key }) => {
        const { database, plan, role, query, admin, vector } = await begin(keyed(key));
        await admin("alter table documents add column lang text");
        expect(await createExposure(database, await plan(), [])).toMatchObject({ roles: [role] });
        await expect(createExposure(database, await plan(), ["nobody_at_all"])).rejects.toMatchObject({
          code: "role_missing",
          message: "There is no role nobody_at_all on the database's server.",
        });
        expect((await query("select lang from documents order by embedding <=> $1 limit 1", [vector]))[0]).toEqual({
          lang: null,
        });
        expect(await readExposures(database)).toEqual([{ profile: followingProfile.name, schema, roles: [role] }]);
        await expect(admin("alter table documents drop column lang")).rejects.toThrow(/other objects depend on it/);
        expect(await removeExposure(database, followingProfile.name)).toBe(true);
        expect(await removeExposure(database, followingProfile.name)).toBe(false);
        await admin("alter table documents drop column lang");
        expect(await query("select id from documents where embedding is not null limit 1")).toHaveLength(1);
        expect(
          await admin(
            `select from information_schema.column_privileges where grantee = '${role}' and table_schema = 'reembed'`,
          ),
        ).toEqual([]);
        await admin(`create schema ${schema}`);
        await expect(createExposure(database, await plan(), [])).rejects.toMatchObject({
          code: "schema_taken",
          exitCode: 3,
        });
      },
    );

    test.for(keys)(
      "is searched by the profile's index, with the application's statement as it is, if its keys are $keys",
      async ({ key }) => {
        const { database, plan, query, vector } = await begin({
          ...keyed(key),
          rows: supabase.rows.replace("60", "2000"),
          indexed: true,
        });
        for (const order of [`embedding <=> '${vector}'::vector`, `embedding <=> '${vector}'`]) {
          const lines = await query(
            `explain select id from documents where metadata is not null order by ${order} limit 5`,
          );
          const text = lines.map((line) => line["QUERY PLAN"]).join("\n");
          expect(text).toMatch(/Index Scan using by_test/);
          expect(text).toMatch(/Index (Only )?Scan using documents_pkey/);
          expect(text).not.toMatch(/Seq Scan/);
        }
        expect(await servingIndex(database, await plan())).toBe("by_test");
      },
    );
  },
  ["PostgreSQL"],
);
