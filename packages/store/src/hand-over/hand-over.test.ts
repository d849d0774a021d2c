import { adoptedProfile, describeOnEachServer, followingProfile, waitFor } from "@reembed/testing";
import { expect, test } from "vitest";
import { type ExposedApplication, openExposedApplication, vectorOf } from "../../test/exposed-application.ts";
import type { Database } from "../database/database.ts";
import { readProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import {
  addNewColumn,
  buildNewIndexes,
  countWithoutOld,
  exchangeColumns,
  requireVectors,
  undoExchange,
} from "./columns.ts";
import { countUnfilled, fillBlock, fillWithZeros } from "./fill.ts";
import { type HandOverPlan, planHandOver } from "./plan.ts";

const { dimensions } = followingProfile.model;
const oldDimensions = adoptedProfile.model.dimensions;
const count = 50;

const documents = (column: string, id: string): ExposedApplication => ({
  tables: `create table documents (id ${id} primary key, content text, embedding ${column}, source text, place int);
    create index documents_embedding_idx on documents using hnsw (embedding vector_cosine_ops) with (m = 8)`,
  rows: `insert into documents (content, embedding) select 'text ' || n, ${column.includes("1536") ? "null" : vectorOf("n", oldDimensions)} from generate_series(1, ${count}) n`,
  source: {
    ...{ table: "documents", id: ["id"], content: "content", embedding: "embedding" },
    ...{ document: "source", position: "place" },
  },
});

async function fillAll(database: Database, plan: HandOverPlan): Promise<{ written: number; left: number }> {
  const sum = { written: 0, left: 0 };
  for (let after: number | null = null; ; ) {
    const block = await fillBlock(database, plan, { after, limit: 20 });
    if (block === undefined) return sum;
    after = block.last;
    sum.written += block.written;
    sum.left += block.left;
  }
}

describeOnEachServer(
  "a table whose vectors are handed over",
  (open) => {
    const begin = async (column = `vector(${oldDimensions})`, id = "bigserial") => {
      const begun = await openExposedApplication(await open(), documents(column, id));
      const plan = async () => {
        const profile = await readProfile(begun.database, followingProfile.name);
        if (profile.source === null) throw new TypeError("The candidate has the adopted chunks");
        return await planHandOver(begun.database, { ...profile, source: profile.source }, oldDimensions);
      };
      return { ...begun, plan };
    };
    const nearest = (client: { query: (text: string) => Promise<{ rows: { content: string }[] }> }, length: number) =>
      client.query(`select content from documents order by embedding <=> ${vectorOf("7", length)} limit 1`);

    test.for(["bigserial", "uuid default gen_random_uuid()"])(
      "gets the new vectors under the same name with an index like its own, and back again: id %s",
      async (id) => {
        const { database, client, admin, plan, candidate } = await begin(undefined, id);
        // Rows that have numbers of ours have them in the order of their keys.
        await admin(`update ${embeddingsPartition(candidate.name)} e set embedding = ${vectorOf("substr(c.content, 6)::int", dimensions)}::halfvec
        from ${candidate.relation} c where c.id = e.chunk_id`);
        await addNewColumn(database, await plan());
        expect(await plan()).toMatchObject({ state: "filling", type: `public.vector(${dimensions})` });
        expect(await fillAll(database, await plan())).toEqual({ written: count, left: 0 });
        expect(await buildNewIndexes(database, await plan())).toEqual([]);
        expect((await nearest(client, oldDimensions)).rows).toEqual([{ content: "text 7" }]);

        expect(await exchangeColumns(database, await plan())).toBeLessThan(2_000);
        expect((await nearest(client, dimensions)).rows).toEqual([{ content: "text 7" }]);
        const index = () =>
          admin(
            "select indexname as name, indexdef as text from pg_indexes where tablename = 'documents' and indexdef like '%hnsw%' order by 1",
          );
        expect(await index()).toEqual([
          {
            name: "documents_embedding_idx",
            text: expect.stringMatching(/hnsw \(embedding vector_cosine_ops\) WITH \(m='8'\)/),
          },
          {
            name: "reembed_old_documents_embedding_idx",
            text: expect.stringContaining("(reembed_old_embedding vector_cosine_ops)"),
          },
        ]);
        expect(await plan()).toMatchObject({ state: "handed-over" });
        await client.query("insert into documents (content, embedding) values ('new', $1)", [
          `[${Array(dimensions).fill(1)}]`,
        ]);

        expect(await countWithoutOld(database, await plan())).toBe(1);
        await undoExchange(database, await plan());
        expect((await nearest(client, oldDimensions)).rows).toEqual([{ content: "text 7" }]);
        expect((await index()).map(({ name }) => name)).toEqual(["documents_embedding_idx"]);
        expect(await plan()).toMatchObject({ state: "none" });
      },
    );

    test("goes on where it was stopped, waits for nobody, and takes no vector of another text", async () => {
      const { database, client, connect, plan } = await begin();
      await addNewColumn(database, await plan());
      expect(await fillBlock(database, await plan(), { after: null, limit: 20 })).toEqual({
        last: 20,
        written: 20,
        left: 0,
      });
      const other = await connect();
      await other.query("begin");
      await other.query("update documents set source = 'x' where id = 30");
      await client.query("update documents set content = 'edited' where id = 40");
      expect(await fillAll(database, await plan())).toEqual({ written: count - 22, left: 2 });
      await other.query("commit");
      expect(await fillAll(database, await plan())).toEqual({ written: 1, left: 1 });
      expect(await countUnfilled(database, await plan())).toEqual({ all: count, missing: 1 });
    });

    test("is exchanged within a moment while others write to it, in a table of 200,000 rows", async () => {
      const { database, admin, connect, plan } = await begin();
      await admin("insert into documents (content) select 'more ' || n from generate_series(1, 200000) n");
      await addNewColumn(database, await plan());
      let writes = 0;
      let ending = false;
      const writer = async () => {
        const client = await connect();
        while (!ending) {
          await client.query("update documents set source = 'w' where id = 1 + floor(200000 * random())::int");
          writes++;
        }
      };
      const writers = [writer(), writer(), writer()];
      const goOn = async (since = writes) => waitFor("writes to go on", () => writes > since + 10);
      try {
        await goOn();
        expect(await exchangeColumns(database, await plan())).toBeLessThan(2_000);
        await goOn();
        expect(await undoExchange(database, await plan())).toBeLessThan(2_000);
        await goOn();
      } finally {
        ending = true;
        await Promise.all(writers);
      }
    });

    test("is as little null as before, and padded as before", async () => {
      const { database, client, admin, plan } = await begin("vector(1536)");
      await admin("update documents set embedding = array_fill(0::real, array[1536])::vector");
      await admin("alter table documents alter embedding set not null");
      expect(await plan()).toMatchObject({ length: 1_536, type: "public.vector(1536)" });
      await addNewColumn(database, await plan());
      await client.query("update documents set content = ' ' where id = 1");
      await fillAll(database, await plan());
      await exchangeColumns(database, await plan());
      const exchanged = { ...(await plan()), newColumn: '"embedding"' };
      expect(await fillWithZeros(database, exchanged, 10)).toBe(1);
      await requireVectors(database, exchanged);
      const padded = `(${vectorOf("7", dimensions)} || array_fill(0::real, array[${1_536 - dimensions}])::vector)`;
      expect((await client.query(`select id from documents order by embedding <=> ${padded} limit 1`)).rows).toEqual([
        { id: "7" },
      ]);
      await expect(client.query("insert into documents (content) values ('without')")).rejects.toThrow(
        /null value in column "embedding"/,
      );
      await client.query(`insert into documents (content, embedding) select 'with', ${padded}`);
    });
  },
  ["PostgreSQL"],
);
