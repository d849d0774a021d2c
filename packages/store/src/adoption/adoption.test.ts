import { randomUUID } from "node:crypto";
import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  testProfile,
  versionedBody,
} from "@reembed/testing";
import { type SQL, sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { recordGaps } from "../changes/gaps.ts";
import { storeDocuments } from "../corpus/documents.ts";
import { openDatabase } from "../database/database.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { registerProfiles } from "../registration/registration.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { refuseAdopted } from "./adoption.ts";
import { checkSource } from "./adoption-source.ts";
import { takeOver } from "./adoption-takeover.ts";

describeOnEachServer(
  "an adopted table",
  (open, kind) => {
    test("becomes the baseline unchanged, and the candidate follows what is written to it", async () => {
      const { database, application, query, rows, ...begun } = await beginAdoption(await open(), {
        ownRole: kind !== "embedded",
      });
      await query("update document_chunks set embedding = null where id = 2");
      await query("update document_chunks set embedding = (embedding - embedding)::vector where id = 3");
      const before = await query("select *, ctid from document_chunks order by id");
      await begun.adopt();
      expect(await query("select *, ctid from document_chunks order by id")).toEqual(before);
      const profile = await readProfile(database, adoptedProfile.name);
      expect(profile).toMatchObject({ state: "backfilling", backfillCursor: profile.backfillTarget, paused: false });
      expect(await readProfile(database, followingProfile.name)).toMatchObject({ state: "registered", paused: true });

      const { rows: withoutGoodVector } = await database.execute(sql`
        select c.id from document_chunks c
        left join reembed.chunk_embeddings e on e.profile = ${adoptedProfile.name} and e.chunk_id = c.id
        where e.content_hash is distinct from sha256(convert_to(c.content, 'UTF8')) or e.token_count is not null
          or abs(l2_norm(e.embedding) - 1) > 0.001 or (e.embedding::vector <=> c.embedding) > 0.001 order by 1`);
      expect(withoutGoodVector).toEqual([{ id: 2 }, { id: 3 }]);
      expect(await recordGaps(database, profile)).toBe(2);
      const pending = await readPendingChunks(database, profile, (await begun.changes()).chunks);
      expect(pending.map(({ id }) => id)).toEqual([2, 3]);
      const vector = new Float32Array(profile.dimensions).fill(1 / Math.sqrt(profile.dimensions));
      const embedded = pending.map(({ id, contentHash }) => ({
        chunkId: id,
        contentHash,
        vector,
        tokenCount: 1,
        truncatedTokens: 0,
      }));
      expect(await upsertEmbeddings(database, profile, embedded)).toEqual([2, 3]);
      expect(await readCoverage(database, profile)).toMatchObject({ coverage: 1, changes: 0 });

      expect(await begun.places()).toEqual({ known: 0, wrong: 0 });
      await begun.rechunk();
      await begun.expectCandidate({
        alpha: versionedBody("alpha"),
        beta: versionedBody("beta"),
        gamma: versionedBody("gamma"),
      });
      expect(await begun.places()).toEqual({ known: before.length, wrong: 0 });

      const kept = await rows(`select id from ${begun.candidateChunks} order by id`);
      await query("delete from document_chunks where document_id = 'beta'");
      await application.write("beta", versionedBody("beta", 1));
      await query("delete from document_chunks where document_id = 'gamma'");
      await application.write("omega", versionedBody("omega"));
      await begun.rechunk();
      await begun.expectCandidate({
        alpha: versionedBody("alpha"),
        beta: versionedBody("beta", 1),
        omega: versionedBody("omega"),
      });
      const [first] = await rows(`
        select c.id from ${begun.candidateChunks} c join reembed.documents d on d.id = c.document_id
        where d.source_key = 'beta' order by c.position desc limit 1`);
      expect(kept).toEqual(expect.arrayContaining([first]));
      expect((await begun.places()).wrong).toBe(0);
      expect((await begun.changes()).documents).toEqual([]);
    });
  },
  ["embedded", "PostgreSQL"],
);

describeOnEachServer(
  "an adoption",
  (open) => {
    const begin = async () => await beginAdoption(await open(), { ownRole: true });

    test("looks up chunks with the application's own indexes, and counts them without reading documents", async () => {
      const { database, adopt } = await begin();
      await adopt();
      const chunks = sql.raw((await readProfile(database, adoptedProfile.name)).relation);
      const plan = (statement: SQL) =>
        database.transaction(async (transaction) => {
          await transaction.execute(sql`set local enable_seqscan = off`);
          const { rows } = await transaction.execute<{ "QUERY PLAN": string }>(sql`explain ${statement}`);
          return rows.map((line) => line["QUERY PLAN"]).join("\n");
        });
      const byId = sql`select c.content from ${chunks} c where c.id = any('{1,2}'::bigint[])`;
      expect(await plan(byId)).toMatch(/document_chunks_pkey/);
      const behind = sql`select id from ${chunks} c where id > 3::bigint and id <= 9::bigint order by id limit 2`;
      expect(await plan(behind)).toMatch(/document_chunks_pkey/);
      const ofDocument = sql`select from ${chunks} c where c.source_document = any('{alpha}'::text[])`;
      expect(await plan(ofDocument)).toMatch(/document_id_idx/);
      expect(await plan(sql`select count(*) from ${chunks} c`)).not.toMatch(/SubPlan|documents d/);
    });

    test("stays when profiles are registered again, and cannot be followed by another one", async () => {
      const { database, adopt, rows } = await begin();
      await adopt();
      const state = () => rows(`select name, relation, source from reembed.chunkings order by name`);
      const before = await state();
      await registerProfiles(database, [
        adoptedProfile,
        followingProfile,
        testProfile("mini-m3", adoptedProfile.chunking),
      ]);
      expect(await state()).toEqual(before);
      const { relation } = await readProfile(database, adoptedProfile.name);
      expect(await readProfile(database, "mini-m3-200-30")).toMatchObject({ relation });
      await expect(refuseAdopted(database)).rejects.toThrow(/the adopted table public.document_chunks/);
      const again = takeOver(database, adoptedProfile, await checkSource(database, applicationColumns), {
        vectors: true,
      });
      await expect(again).rejects.toMatchObject({ code: "already_adopted", exitCode: 3 });
    });

    test("needs no superuser, and reports a missing right", async () => {
      const servers = await open({ empty: true });
      const operator = `operator_${randomUUID().slice(0, 8)}`;
      const admin = openDatabase(servers);
      onTestFinished(() => admin.$client.end());
      await admin.$client.query(`create role ${operator} login`);
      await admin.$client.query(
        `do $$ begin execute format('grant create on database %I to ${operator}', current_database()); end $$`,
      );
      const { adopt, query, rechunk, places } = await beginAdoption(servers, { ownRole: true, operator });
      await query(`grant select on document_chunks to ${operator}`);
      await expect(adopt()).rejects.toThrow("This role lacks TRIGGER on public.document_chunks.");
      await query(`grant trigger on document_chunks to ${operator}`);
      await adopt();
      await query("update document_chunks set content = 'edited' where id = 1");
      await rechunk();
      expect((await places()).wrong).toBe(0);
    });

    test("is refused if documents were loaded, or with everything that is missing or of the wrong type", async () => {
      const { database, adopt, query } = await begin();
      const check = (changed: Partial<ChunkSource>) => checkSource(database, { ...applicationColumns, ...changed });
      for (const table of ["nothing", "a.b.c.d", '"']) {
        await expect(check({ table })).rejects.toMatchObject({ code: "table_missing", exitCode: 2 });
      }
      await expect(check({ position: "place" })).rejects.toMatchObject({
        code: "table_unfit",
        exitCode: 3,
        message:
          "public.document_chunks has no column place; " +
          "it has id, document_id, chunk_index, content, embedding, tenant, checksum, views.",
        remedy: "Give a column or an expression with --position, or --no-position.",
      });
      await database.execute(sql`alter table document_chunks add number bigint unique, add facts json`);
      const several = check({
        id: ["number"],
        content: "views",
        document: "facts",
        embedding: "content",
        position: "lower(1)",
      });
      const refused = await several.catch((error) => error);
      expect({ code: refused.code, message: refused.message }).toEqual({
        code: "table_unfit",
        message: [
          "public.document_chunks cannot be adopted like this:",
          'public.document_chunks.number may be null, but every chunk needs an id. ALTER TABLE public.document_chunks ALTER COLUMN "number" SET NOT NULL;',
          "public.document_chunks.views is integer, but must be a text. Write an expression with a text, for example (views)::text or views->>'source'.",
          "public.document_chunks.content is text, but must be a vector or halfvec. Give the column of the vectors with --embedding.",
          "public.document_chunks.facts is json, but must be a text, a whole number, a numeric or a uuid. Write an expression with a text, for example (facts)::text or facts->>'source'.",
          "--position lower(1) cannot be read from public.document_chunks: function lower(integer) does not exist. It has the columns id, document_id, chunk_index, content, embedding, tenant, checksum, views, number, facts. Functions of extensions need their schema, or --no-position.",
        ].join("\n  - "),
      });
      await expect(check({ id: ["views"] })).rejects.toMatchObject({
        message: "public.document_chunks has no unique index on views alone, which is needed to look up single rows.",
        remedy: 'CREATE UNIQUE INDEX CONCURRENTLY ON public.document_chunks ("views");',
      });
      await expect(check({ documents: { table: "reembed.documents", key: "id" } })).rejects.toThrow(
        /id is bigint, but must be comparable with the chunks' --document, which is text/,
      );
      await query("update document_chunks set tenant = 'none' where id = 2");
      await expect(check({ position: "tenant::int" })).rejects.toThrow(
        /--position tenant::int fails on a row of public.document_chunks: invalid input syntax for type integer: "(acme|none)"/,
      );
      await storeDocuments(database, [{ uri: "a", title: "", language: "en", body: "text", metadata: {} }]);
      await expect(adopt()).rejects.toMatchObject({ code: "corpus_loaded", exitCode: 3 });
    });
  },
  ["PostgreSQL"],
);
