import { adoptedProfile, describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { embedPending } from "../../test/embed-pending.ts";
import { findUnguarded, idsOf } from "../../test/unguarded.ts";
import { takeChanges } from "../changes/change-log.ts";
import { checkAllRows } from "../changes/failing-rows.ts";
import { sweepBlock } from "../changes/sweep.ts";
import type { Database } from "../database/database.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { quarantineChunks, readQuarantined, retryQuarantined } from "../embeddings/quarantine.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { recutChangedDocuments } from "../rechunking/document-changes.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { explainAdopted } from "./adopted-errors.ts";
import { readAdoption } from "./adoption.ts";
import { createDocuments } from "./adoption-documents.ts";
import { releaseAdoption } from "./adoption-release.ts";
import { checkSource } from "./adoption-source.ts";
import { adoptAgain, takeOver } from "./adoption-takeover.ts";
import { copyVectors } from "./adoption-vectors.ts";
import { convertAdoptions } from "./convert-adoptions.ts";

const columns = { table: "notes", id: ["id"], content: "body", embedding: "vector" } satisfies ChunkSource;
const paged = { ...columns, document: "data->>'file'", position: "(data->>'page')::int" };
/** Another profile, which cuts documents anew. */
const cutting = testProfile("mini-m3", { size: 500, overlap: 40 });
const rows = 40;

/** Ids as whole numbers, and as texts, whose rows get numbers. */
const idTypes = [["bigint"], ["text"]];

describeOnEachServer(
  "an adopted table with a row on which an expression fails",
  (open) => {
    async function begin(source: ChunkSource = paged, { idType = "bigint", before = "select" } = {}) {
      const database = await openTestDatabase(await open(), [adoptedProfile, cutting]);
      const run = (text: string) => database.execute(sql.raw(text));
      await run(`create table notes (id ${idType} primary key, body text, data jsonb, vector vector(312))`);
      await run(`insert into notes select n, 'text ' || n, jsonb_build_object('file', 'f' || n % 4, 'page', n),
      array_fill(0.1::real, array[312])::vector from generate_series(1, ${rows}) n`);
      await run(before);
      await takeOver(database, adoptedProfile, await checkSource(database, source), { vectors: true });
      await checkAllRows(database);
      await takeChanges(database);
      const adoption = await readAdoption(database);
      if (adoption !== undefined) await createDocuments(database, adoption);
      while ((await copyVectors(database, adoptedProfile.name, 50)) !== undefined);
      await run("update reembed.profiles set state = 'backfilled' where state = 'backfilling'");
      const profile = await readProfile(database, adoptedProfile.name);
      return { database, run, profile, ...checksOf(database, profile) };
    }

    function checksOf(database: Database, profile: RegisteredProfile) {
      return {
        /** Of each quarantined row, its reason and the end of its sentence. */
        quarantine: async () =>
          (await readQuarantined(database, profile, { limit: 100 })).map(({ reason, detail }) => [reason, detail]),
        coverage: async () => await readCoverage(database, profile),
        /** What a worker does with all rows that lack a vector. */
        work: async () => await embedPending(database, profile, await idsOf(database, profile)),
      };
    }

    test.each(idTypes)("is set aside by itself, and heals with its row, with ids of %s", async (idType) => {
      const { database, run, profile, quarantine, coverage, work } = await begin(paged, { idType });
      await using _ = database;
      await run(`update notes set data = data || '{"page": "abc"}' where id = '7'`);
      await run("update notes set body = 'edited' where id = '8'");
      await takeChanges(database);
      expect(await quarantine()).toEqual([
        [
          "expression_failed",
          `--position ${paged.position} fails on row 7: invalid input syntax for type integer: "abc".`,
        ],
      ]);
      expect(await coverage()).toMatchObject({
        chunks: rows,
        embedded: rows - 2,
        quarantined: 1,
        changes: 1,
        pending: 1,
      });
      await work();
      expect(await coverage()).toMatchObject({ embedded: rows - 1, quarantined: 1, changes: 0, pending: 0 });
      expect(await sweepBlock(database, profile)).toBe(0);
      // A second try changes nothing.
      await takeChanges(database);
      expect(await database.$client.query("select attempts from reembed.quarantined_chunks")).toMatchObject({
        rows: [{ attempts: 1 }],
      });

      await run(`update notes set data = data || '{"page": 7}' where id = '7'`);
      await takeChanges(database);
      expect(await quarantine()).toEqual([]);
      expect(await coverage()).toMatchObject({ quarantined: 0, changes: 1, pending: 1 });
      await work();
      expect(await coverage()).toMatchObject({ embedded: rows, changes: 0, pending: 0 });
      expect(await findUnguarded(database, profile)).toEqual([]);
    });

    test.each(idTypes)("is one of several in a bulk edit, and may be deleted, with ids of %s", async (idType) => {
      const { database, run, quarantine, coverage, work } = await begin(paged, { idType });
      await using _ = database;
      await run(`update notes set body = body || ' again',
      data = case when id::int % 10 = 3 then data || '{"page": "x"}' else data end`);
      await takeChanges(database);
      expect((await quarantine()).map(([reason]) => reason)).toEqual(Array(4).fill("expression_failed"));
      await work();
      expect(await coverage()).toMatchObject({
        chunks: rows,
        embedded: rows - 4,
        quarantined: 4,
        changes: 0,
        pending: 0,
      });
      await run("delete from notes where id in ('3', '13')");
      await takeChanges(database);
      expect(await coverage()).toMatchObject({ chunks: rows - 2, embedded: rows - 4, quarantined: 2, changes: 0 });
      expect((await database.$client.query("select from reembed.failing_rows")).rowCount).toBe(2);
    });

    test("fails by its text, which a function refuses, and heals when the function does", async () => {
      const refusing = (year: number) => `
      create or replace function public.plain(text) returns text language plpgsql as $$
      begin if $1 ~ 'secret ${year}' then raise 'this is secret'; end if; return $1; end $$`;
      const source = { ...columns, content: "public.plain(body)" };
      const { database, run, quarantine, coverage, work } = await begin(source, { before: refusing(1) });
      await using _ = database;
      await run("update notes set body = 'secret 1' where id in (2, 3)");
      await takeChanges(database);
      expect(await quarantine()).toEqual(
        [2, 3].map((id) => ["expression_failed", `--content public.plain(body) fails on row ${id}: this is secret.`]),
      );
      await run(refusing(2));
      await takeChanges(database);
      expect(await quarantine()).toEqual([]);
      await work();
      expect(await coverage()).toMatchObject({ embedded: rows, changes: 0 });
    });

    test("is found by the sweep and by a worker, if no trigger saw it", async () => {
      const { database, run, profile, quarantine } = await begin();
      await using _ = database;
      const unseen = async (statement: string) => {
        await run("alter table notes disable trigger user");
        await run(statement);
        await run("alter table notes enable trigger user");
      };
      const refused = { ...paged, content: "body || left('', (data->>'page')::int)" };
      await adoptAgain(database, profile.chunking, { ...(await checkSource(database, refused)), chunks: "cut" });
      await takeChanges(database);
      const changed = await readProfile(database, profile.name);
      await unseen(`update notes set data = '{"page": "x"}' where id = 5`);
      await sweepBlock(database, changed, { everyMs: 0 });
      expect(await quarantine()).toHaveLength(1);
      await unseen(`update notes set data = '{"page": "x"}' where id = 6`);
      await readPendingChunks(database, changed, [5, 6, 7]);
      expect((await quarantine()).map(([, detail]) => detail?.includes("fails on row"))).toEqual([true, true]);
    });

    test("is tried again by an operator, and stays in quarantine for its reason", async () => {
      const { database, run, profile, quarantine } = await begin();
      await using _ = database;
      await run(`update notes set data = '{"page": "abc"}' where id = 7`);
      await takeChanges(database);
      const before = await quarantine();
      expect(await retryQuarantined(database, profile, { reason: "expression_failed" })).toBe(1);
      const [chunk] = await readPendingChunks(database, profile, [7]);
      expect(chunk).toMatchObject({ id: 7, content: "" });
      await quarantineChunks(database, profile, [
        { chunkId: 7, contentHash: chunk?.contentHash ?? Buffer.alloc(0), reason: "empty_text", detail: "No text." },
      ]);
      expect(await quarantine()).toEqual(before);
    });

    test("is not part of its document until it heals", async () => {
      const { database, run } = await begin();
      await using _ = database;
      const body = async () => {
        while ((await recutChangedDocuments(database, { limit: 10 })) !== undefined);
        const read = await database.$client.query("select body from reembed.documents where source_key = 'f1'");
        return read.rows[0]?.body;
      };
      await run("update notes set body = body || ' new' where id = 1");
      expect(await body()).toMatch(/^text 1 new\ntext 5\n/);
      await run(`update notes set data = data || '{"page": "abc"}' where id = 5`);
      expect(await body()).not.toMatch("text 5");
      await run(`update notes set data = data || '{"page": 5}' where id = 5`);
      expect(await body()).toMatch(/^text 1 new\ntext 5\n/);
    });

    test("is there when the table is adopted, which copies all other vectors", async () => {
      const { database, profile, quarantine, coverage } = await begin(paged, {
        before: `update notes set data = '{"page": "abc"}' where id in (4, 9)`,
      });
      await using _ = database;
      expect(await coverage()).toMatchObject({ chunks: rows, embedded: rows - 2, quarantined: 2, changes: 0 });
      expect((await quarantine())[0]?.[1]).toMatch(/fails on row 4/);
      await releaseAdoption(database, profile.chunking);
      expect((await database.$client.query("select from reembed.failing_rows")).rowCount).toBe(0);
    });

    test("sets nothing aside where the expression fails on more than a thousand rows", async () => {
      const { database, run, quarantine, coverage } = await begin();
      await using _ = database;
      await run(`insert into notes select n, 'text', '{"page": "x"}', null from generate_series(100, 1200) n`);
      const failed = await takeChanges(database).catch((error) => error);
      expect(explainAdopted(failed)).toMatchObject({
        code: "expression_failed",
        message: "Expressions fail on more than 1000 rows of public.notes.",
      });
      expect(await quarantine()).toEqual([]);
      expect(await coverage()).toMatchObject({ embedded: rows });
    });

    test("is set aside after an upgrade of an adoption that did not look for such rows", async () => {
      const { database, run, quarantine } = await begin();
      await using _ = database;
      await run("update reembed.chunkings set expressions = null");
      await run(`update notes set data = '{"page": "abc"}' where id = 7`);
      await takeChanges(database);
      expect(await quarantine()).toEqual([]);
      await convertAdoptions(database);
      await takeChanges(database);
      expect(await quarantine()).toHaveLength(1);
    });

    test("adopted by columns and parts of its JSON alone, is read without a condition", async () => {
      const plain = { ...columns, document: "coalesce(data->>'file', data->>'url')", position: "id" };
      const { database, profile } = await begin(plain);
      await using _ = database;
      expect(profile.relation).not.toMatch("failing_rows");
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
