import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { takeOver } from "../adoption/adoption-takeover.ts";
import type { Database } from "../database/database.ts";
import { readProfile, readProfiles } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { registerProfiles } from "../registration/registration.ts";
import { removeRetired, retireBaseline } from "./retirement.ts";
import { changeRollout, readRollout } from "./rollout.ts";
import { readRolloutEvents } from "./rollout-events.ts";
import { ensureRollout } from "./rollout-pair.ts";

const rubert = testProfile("mini-rubert");
const m3 = testProfile("mini-m3");
const because = { by: "anna", reason: "finalized" };

async function relations(database: Database): Promise<string[]> {
  const { rows } = await database.execute<{ name: string }>(sql`
    select relname as name from pg_class where relnamespace = 'reembed'::regnamespace and relkind in ('r', 'v')
      and relname ~ '^(chunks_|chunk_embeddings_|search_mini)' order by 1`);
  return rows.map(({ name }) => name);
}

async function retire(database: Database): Promise<void> {
  await ensureRollout(database, { baseline: rubert.name, candidate: m3.name });
  await retireBaseline(database, await readRollout(database), because);
}

const remaining = ["chunk_embeddings_mini-m3", "chunks_6000-300", "search_mini-m3"];

describeOnEachServer(
  "a retired baseline",
  (open, kind) => {
    const native = kind === "PostgreSQL";
    test("loses its vectors, its chunks and its view, and is restored neither by init nor by a document", async () => {
      await using database = await openTestDatabase(await open(), [rubert, m3]);
      await storeBodies(database, ["first"]);
      await startBackfill(database, await readProfile(database, rubert.name));
      await storeBodies(database, ["first, edited"]);
      await retire(database);
      const retired = await readProfile(database, rubert.name);
      await removeRetired(database, retired);
      expect(await relations(database)).toEqual(remaining);
      await removeRetired(database, retired);
      await registerProfiles(database, [rubert, m3]);
      await storeBodies(database, ["first, edited again", "second"]);
      expect(await relations(database)).toEqual(remaining);
      expect((await readProfiles(database)).map(({ name }) => name)).toEqual([m3.name]);
      const left = await database.execute(sql`select from reembed.chunk_changes where profile = ${rubert.name}`);
      expect(left.rows).toEqual([]);
      expect(await readRolloutEvents(database, 10)).toMatchObject([{ changedBy: "anna", reason: "finalized" }]);
    });

    test.runIf(native)("starts again as the candidate of another migration", async () => {
      await using database = await openTestDatabase(await open(), [rubert, m3]);
      await retire(database);
      await removeRetired(database, await readProfile(database, rubert.name));
      const full = await readRollout(database);
      await changeRollout(database, full, { ...full, stage: "full", percent: 100 }, because);
      await ensureRollout(database, { baseline: m3.name, candidate: rubert.name });
      await registerProfiles(database, [m3, rubert]);
      expect((await relations(database)).length).toBe(6);
      expect(await readProfile(database, rubert.name)).toMatchObject({ state: "registered", backfillTarget: 0 });
      expect(await readRollout(database)).toMatchObject({ baseline: m3.name, percent: 0 });
    });

    test.runIf(native)(
      "keeps its chunks if another profile reads them, and no change is recorded for it any more",
      async () => {
        const other = { ...m3, chunking: rubert.chunking };
        await using database = await openTestDatabase(await open(), [rubert, other]);
        for (const { name } of [rubert, other]) {
          await storeBodies(database, [name]);
          await startBackfill(database, await readProfile(database, name));
        }
        await retire(database);
        await removeRetired(database, await readProfile(database, rubert.name));
        await storeBodies(database, ["a new text"]);
        expect(await relations(database)).toEqual(["chunk_embeddings_mini-m3", "chunks_1500-150", "search_mini-m3"]);
        const { rows } = await database.execute<{ profile: string }>(
          sql`select distinct profile from reembed.chunk_changes`,
        );
        expect(rows).toEqual([{ profile: m3.name }]);
      },
    );

    test.runIf(native)(
      "of an adopted table keeps the table and its triggers, because the documents come from there",
      async () => {
        await using database = await openTestDatabase(await open(), [rubert, m3]);
        await database.execute(sql`
        create table parts (id bigint primary key, document text, place int, content text, embedding vector(312))`);
        await database.execute(sql`insert into parts values (1, 'a', 0, 'one', null), (2, 'a', 1, 'two', null)`);
        const columns = {
          ...{ id: ["id"], idTypes: ["bigint"], documentType: "text", numbered: false },
          document: "document",
          position: "place",
          content: "content",
          embedding: "embedding",
        };
        await takeOver(database, rubert, { table: "public.parts", ...columns }, { vectors: false });
        await retire(database);
        await removeRetired(database, await readProfile(database, rubert.name));
        await registerProfiles(database, [rubert, m3]);
        expect(await relations(database)).toEqual(remaining);
        await database.execute(sql`update parts set content = 'three' where id = 2`);
        await database.execute(sql`delete from parts where id = 1`);
        const changed = await database.execute(sql`select distinct key from reembed.document_changes`);
        expect(changed.rows).toEqual([{ key: "a" }]);
        expect((await database.execute(sql`select content from parts`)).rows).toEqual([{ content: "three" }]);
      },
    );

    test.runIf(native)("is removed by a second run after the first one was killed", async () => {
      await using database = await openTestDatabase(await open(), [rubert, m3]);
      await retire(database);
      const retired = await readProfile(database, rubert.name);
      // A long reader, for which the detachment waits; meanwhile searches of the candidate continue.
      await database.transaction(async (reader) => {
        await reader.execute(sql`select count(*) from reembed.chunk_embeddings`);
        const killed = removeRetired(database, retired).catch((error: unknown) => error);
        await waitFor("the detachment to wait", async () => {
          const { rows } = await reader.execute(sql`select from pg_inherits where inhdetachpending`);
          return rows.length > 0;
        });
        await database.execute(sql`select count(*) from reembed.chunk_embeddings where profile = ${m3.name}`);
        await reader.execute(sql`
          select pg_terminate_backend(pid, 30000) from pg_stat_activity
          where datname = current_database() and query like 'alter table%detach partition%'`);
        expect(await killed).toBeInstanceOf(Error);
      });
      expect(await relations(database)).toContain("chunk_embeddings_mini-rubert");
      await removeRetired(database, retired);
      expect(await relations(database)).toEqual(remaining);
    });
  },
  ["embedded", "PostgreSQL"],
);
