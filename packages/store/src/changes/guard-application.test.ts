import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  HashingEmbedder,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { findUnguarded, idsOf } from "../../test/unguarded.ts";
import { checkSource } from "../adoption/adoption-source.ts";
import { takeOver } from "../adoption/adoption-takeover.ts";
import { copyVectors } from "../adoption/adoption-vectors.ts";
import { upsertEmbeddings } from "../embeddings/embeddings.ts";
import { readPendingChunks } from "../embeddings/pending.ts";
import { readProfile } from "../profiles/profiles.ts";
import { takeChanges } from "./change-log.ts";

const isolationLevels = ["read committed", "repeatable read", "serializable"] as const;

describeOnEachServer(
  "an application during a backfill",
  (open) => {
    test.each(isolationLevels)(
      "updates its rows in its own order at %s, and neither waits nor fails while four workers embed them",
      async (level) => {
        const begun = await beginAdoption(await open(), { ownRole: true });
        const { database, application } = begun;
        for (let copy = 0; copy < 20; copy++) await application.write(`document-${copy}`, `copy ${copy} `.repeat(120));
        await begun.adopt();
        const profile = await readProfile(database, adoptedProfile.name);
        const embedder = new HashingEmbedder({ model: adoptedProfile.model });
        let ending = false;
        let stored = 0;
        const worker = async () => {
          while (!ending) {
            const pending = await readPendingChunks(database, profile, await idsOf(database, profile));
            for await (const outcomes of embedder.embed(
              pending.map(({ content }) => content),
              { as: "passage" },
            )) {
              const embedded = outcomes.flatMap((outcome) => {
                const chunk = pending[outcome.index];
                if (chunk === undefined || "rejected" in outcome) return [];
                return [{ ...outcome, chunkId: chunk.id, contentHash: chunk.contentHash }];
              });
              stored += (await upsertEmbeddings(database, profile, embedded)).length;
            }
            await takeChanges(database);
          }
        };
        const workers = Array.from({ length: 4 }, worker);
        // Any wait for one of our locks would be an error.
        await application.client.query("set lock_timeout = '50ms'");
        try {
          for (let round = 0; round < 20 || stored < 500; round++) {
            await application.client.query(`begin isolation level ${level}`);
            const { rows } = await application.client.query(
              "select id, content from document_chunks order by id desc limit 40",
            );
            for (const { id, content } of rows) {
              const edited = `${content.split(" | ")[0]} | ${round}`;
              await application.client.query("update document_chunks set content = $2 where id = $1", [id, edited]);
            }
            await application.client.query("commit");
          }
        } finally {
          ending = true;
          await Promise.all(workers);
        }
        expect(await findUnguarded(database, profile)).toEqual([]);
      },
    );

    test("has no row of its table locked or written by an adoption, and hardly any WAL", async () => {
      const begun = await beginAdoption(await open(), { ownRole: true });
      const { database, query, rows } = begun;
      await query("drop index document_chunks_embedding_idx");
      await query(`
        insert into document_chunks (document_id, chunk_index, content, tenant, checksum, embedding)
        select 'mass-' || n / 100, n % 100, repeat('text number ' || n || ' ', 10), 'acme', n,
          (select embedding from document_chunks limit 1)
        from generate_series(1, 100000) n`);
      await query("vacuum document_chunks");
      const state = () =>
        rows(`select count(*)::int as rows, count(*) filter (where xmax <> 0)::int as touched,
          md5(string_agg(ctid::text, ',' order by id)) as places from document_chunks`);
      const before = await state();
      expect(before).toMatchObject([{ touched: 0 }]);
      await database.execute(sql`create extension pg_walinspect`);
      // From here on, every first write to a page logs the whole page.
      await database.execute(sql`checkpoint`);
      const [start] = await rows("select pg_current_wal_insert_lsn() as lsn");

      await takeOver(database, adoptedProfile, await checkSource(database, applicationColumns), { vectors: true });
      while ((await copyVectors(database, adoptedProfile.name, 1_000)) !== undefined);
      const profile = await readProfile(database, adoptedProfile.name);
      await database.execute(sql`delete from reembed.chunk_embeddings where chunk_id <= 500`);
      const pending = await readPendingChunks(
        database,
        profile,
        Array.from({ length: 500 }, (_, index) => index + 1),
      );
      const vector = new Float32Array(profile.dimensions).fill(0.05);
      const embedded = pending.map(({ id, contentHash }) => ({
        chunkId: id,
        contentHash,
        vector,
        ...{ tokenCount: 7, truncatedTokens: 0 },
      }));
      expect((await upsertEmbeddings(database, profile, embedded)).length).toBe(500);

      const written = await rows(`
        select r.resource_manager, r.record_type, count(*)::int as records, sum(r.record_length)::float8 as bytes
        from pg_get_wal_records_info('${start?.lsn}', pg_current_wal_flush_lsn()) r
        where r.block_ref ~ ('/' || pg_relation_filenode('document_chunks') || '\\M') group by 1, 2`);
      expect(written).toEqual([]);
      expect(await state()).toEqual(before);
    });
  },
  ["PostgreSQL"],
);
