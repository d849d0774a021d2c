import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { upsertEmbeddings } from "./embeddings.ts";
import { type PendingChunk, readPendingChunks } from "./pending.ts";
import { reuseEmbeddings } from "./reuse.ts";

const m3 = testProfile("mini-m3");
const cutSmaller = testProfile("mini-m3", { size: 1500, overlap: 150 });
const rubert = testProfile("mini-rubert");
const bodies = ["Отпуск длится 28 дней.", "Зарплата приходит пятого числа.", "Отпуск длится 28 дней."];

describeOnEachServer(
  "reuse of vectors",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let sibling: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3, cutSmaller, rubert]);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`delete from reembed.documents`);
      await storeBodies(database, bodies);
      profile = await readProfile(database, m3.name);
      sibling = await readProfile(database, cutSmaller.name);
    });

    async function pendingOf(of: RegisteredProfile): Promise<PendingChunk[]> {
      const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(of.relation)} order by id`);
      return await readPendingChunks(
        database,
        of,
        rows.map((row) => Number(row.id)),
      );
    }

    /** Gives the first of these chunks a vector of ones in one dimension, as a model would. */
    async function embedFirst(of: RegisteredProfile, [first]: PendingChunk[], tokenCount = 7): Promise<void> {
      if (first === undefined) throw new Error("There is nothing pending");
      const vector = Float32Array.from({ length: of.dimensions }, (_, index) => Number(index === 3));
      const { id, contentHash } = first;
      expect(
        await upsertEmbeddings(database, of, [{ chunkId: id, contentHash, vector, tokenCount, truncatedTokens: 2 }]),
      ).toEqual([id]);
    }

    test("the vector and token counts of a text that was embedded before are copied to every chunk with this text", async () => {
      const pending = await pendingOf(profile);
      await embedFirst(profile, pending);
      expect(await reuseEmbeddings(database, profile, await pendingOf(profile))).toEqual([pending[2]?.id]);
      const { rows } = await database.execute(sql`
        select count(*)::int as chunks, count(distinct (embedding, content_hash))::int as vectors,
          min(token_count) as tokens, min(truncated_tokens) as truncated, min(model_revision) as revision
        from reembed.chunk_embeddings where profile = ${m3.name}`);
      expect(rows).toEqual([{ chunks: 2, vectors: 1, tokens: 7, truncated: 2, revision: m3.model.revision }]);
      expect((await pendingOf(profile)).map(({ content }) => content)).toEqual([bodies[1]]);
    });

    test("they are copied across profiles of one model and revision, and never of another", async () => {
      await embedFirst(await readProfile(database, rubert.name), await pendingOf(sibling));
      expect(await reuseEmbeddings(database, profile, await pendingOf(profile))).toEqual([]);
      await embedFirst(sibling, await pendingOf(sibling));
      expect((await reuseEmbeddings(database, profile, await pendingOf(profile))).length).toBe(2);

      await database.execute(sql`delete from reembed.chunk_embeddings where profile = ${m3.name}`);
      await database.execute(sql`update reembed.chunk_embeddings set model_revision = 'older'`);
      expect(await reuseEmbeddings(database, profile, await pendingOf(profile))).toEqual([]);
    });

    test("an adopted vector is never copied, not even within its profile", async () => {
      await embedFirst(profile, await pendingOf(profile));
      await database.execute(sql`update reembed.chunk_embeddings set token_count = null`);
      expect(await reuseEmbeddings(database, profile, await pendingOf(profile))).toEqual([]);
    });

    test("a chunk that was edited since it was read gets no vector and keeps its change; the others lose theirs", async () => {
      await embedFirst(sibling, await pendingOf(sibling));
      const pending = await pendingOf(profile);
      expect(pending.map(({ reusable }) => reusable)).toEqual([true, false, true]);
      await database.execute(sql`
        insert into reembed.chunk_changes (profile, chunk_id)
        select ${m3.name}, id from ${sql.raw(profile.relation)}`);
      await database.execute(sql`
        insert into reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
        select ${m3.name}, id, 'an older text', 'empty_text', '' from ${sql.raw(profile.relation)}`);
      await database.execute(
        sql`update ${sql.raw(profile.relation)} set content = 'edited' where id = ${pending[0]?.id}`,
      );
      expect(await reuseEmbeddings(database, profile, pending)).toEqual([pending[2]?.id]);
      const left = [pending[0]?.id, pending[1]?.id].map((id) => ({ chunk_id: `${id}` }));
      for (const table of ["chunk_changes", "quarantined_chunks"]) {
        const { rows } = await database.execute(
          sql`select chunk_id from reembed.${sql.raw(table)} where profile = ${m3.name} order by chunk_id`,
        );
        expect(rows).toEqual(left);
      }
      await database.execute(sql`delete from reembed.chunk_changes`);
    });
  },
  ["embedded", "PostgreSQL", "PostgreSQL, in another schema"],
);
