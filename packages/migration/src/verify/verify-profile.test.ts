import { takeChanges } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { lastVerification, recordVerification } from "@reembed/store/verification";
import { describeOnOneServer, HashingEmbedder, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { describeVerdict } from "./describe-verdict.ts";
import { noFailures, type VerifyOptions, verifyProfile } from "./verify-profile.ts";

const m3 = testProfile("mini-m3");
const texts = ["зарплата", "отпуск", "больничный", "командировка", "   "];

describeOnOneServer(
  "a verification",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    let ids: number[];
    const partition = sql.raw(`reembed."chunk_embeddings_${m3.name}"`);
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [m3]);
      // What can happen in a corpus without foreign keys, or when somebody edits the tables by hand.
      await database.execute(sql`do $$ declare bound record; begin
        for bound in select conname from pg_constraint
          where conrelid = 'reembed."chunk_embeddings_mini-m3"'::regclass and contype in ('c', 'f')
        loop execute format('alter table reembed."chunk_embeddings_mini-m3" drop constraint %I', bound.conname); end loop;
      end $$`);
      return () => database.$client.end();
    });
    beforeEach(async () => {
      await database.execute(sql`delete from ${partition}`);
      await database.execute(sql`delete from reembed.documents`);
      await database.execute(sql`update reembed.profiles set state = 'registered'`);
      await storeBodies(database, texts);
      await startBackfill(database, await readProfile(database, m3.name));
      await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      profile = await readProfile(database, m3.name);
      const { rows } = await database.execute<{ id: string }>(
        sql`select id from ${sql.raw(profile.relation)} order by id`,
      );
      ids = rows.map((row) => Number(row.id));
      await embed();
    });

    /** Embeds as a worker does; the blank text is quarantined. */
    async function embed(): Promise<void> {
      const embedder = new HashingEmbedder({ model: m3.model });
      const pending = await readPendingChunks(database, profile, ids);
      for await (const outcomes of embedder.embed(
        pending.map(({ content }) => content),
        { as: "passage" },
      )) {
        for (const outcome of outcomes) {
          const { id: chunkId = 0, contentHash = Buffer.alloc(0) } = pending[outcome.index] ?? {};
          if ("vector" in outcome) await upsertEmbeddings(database, profile, [{ ...outcome, chunkId, contentHash }]);
          else {
            await database.execute(sql`
              insert into reembed.quarantined_chunks (profile, chunk_id, content_hash, reason, detail)
              values (${m3.name}, ${chunkId}, ${contentHash}, ${outcome.rejected}, '')`);
          }
        }
      }
    }

    const verify = (options: Partial<VerifyOptions> = {}) =>
      verifyProfile({
        ...{
          database,
          profile,
          sample: "all",
          bars: { own: 0.999, adopted: 0.99 },
          maxQuarantinedShare: 0.2,
          onProgress: () => {},
        },
        startEmbedder: async () => new HashingEmbedder({ model: m3.model }),
        ...options,
      });
    const edit = async (chunkId: number | undefined, content: string) => {
      await database.execute(sql`update ${sql.raw(profile.relation)} set content = ${content} where id = ${chunkId}`);
      await takeChanges(database);
    };
    /** Turns the vector of a chunk by this many degrees. */
    const turn = (chunkId: number | undefined, degrees: number) =>
      database.execute(sql`
        update ${partition} set embedding = l2_normalize(embedding + (
          select array_agg(tan(radians(${degrees}::float8)) * case when n % 2 = 0 then 1 else -1 end
            * (embedding::vector::real[])[1 + (n - 1) / 2 * 2 + n % 2])::vector::halfvec
          from generate_series(1, ${m3.model.dimensions}::int) n))
        where chunk_id = ${chunkId}`);

    test("passes a profile in which every chunk has a vector or a reason in the quarantine, and is recorded", async () => {
      const report = await verify();
      expect(report).toMatchObject({ passed: true, chunks: 5, current: 4, quarantined: 1, coverage: 0.8 });
      expect(report).toMatchObject({ failures: noFailures, examples: [] });
      expect(report.embeddedAgain).toMatchObject({ compared: 4, adopted: 0, wrong: 0, wrongShareAtMost: 0 });
      await recordVerification(database, { profile: m3.name, passed: true, report: { ...report } });
      expect(await lastVerification(database, profile)).toMatchObject({ passed: true, report: { current: 4 } });
    });

    test("with a sample it states how many of all vectors may still be wrong", async () => {
      const { embeddedAgain } = await verify({ sample: 2 });
      expect(embeddedAgain).toMatchObject({ compared: 2, wrong: 0 });
      expect(embeddedAgain?.wrongShareAtMost).toBeCloseTo(1 - Math.sqrt(0.05), 6);
    });

    test("a missing vector fails: as pending while the backfill runs, and as missing after it", async () => {
      await database.execute(sql`delete from ${partition} where chunk_id = ${ids[1]}`);
      const missing = { chunkId: ids[1], reason: "missing" };
      expect(await verify()).toMatchObject({
        passed: false,
        failures: { ...noFailures, missing: 1 },
        examples: [missing],
      });
      const running = { ...profile, state: "backfilling" as const };
      expect(await verify({ profile: running })).toMatchObject({
        passed: false,
        failures: { ...noFailures, pending: 1 },
      });
    });

    test("a pending change is reported with its age; an edit that was not recorded leaves a vector of an old text", async () => {
      await edit(ids[0], "зарплата, изменено");
      await database.execute(sql`update reembed.chunk_changes set changed_at = changed_at - interval '90 seconds'`);
      const changed = await verify();
      expect(changed).toMatchObject({ passed: true, current: 3, changing: { chunks: 1 }, failures: noFailures });
      expect(changed.changing.oldestSeconds).toBeGreaterThan(89);
      expect(describeVerdict(changed)).toMatch(
        /is proven: .*, except for 1 in quarantine and 1 with a pending change\.$/,
      );
      // Embedding a chunk without any vector is the backfill's task.
      await database.execute(sql`delete from ${partition} where chunk_id = ${ids[0]}`);
      const running = { ...profile, state: "backfilling" as const };
      expect(await verify({ profile: running })).toMatchObject({ failures: { ...noFailures, pending: 1 } });
      await database.execute(sql`delete from reembed.chunk_embeddings`);
      await embed();
      await edit(ids[0], "зарплата, изменено снова");
      await database.execute(sql`delete from reembed.chunk_changes`);
      const oldText = { chunkId: ids[0], reason: "old_text" };
      expect(await verify()).toMatchObject({ failures: { ...noFailures, old_text: 1 }, examples: [oldText] });
    });

    test("a quarantine is reported by reason and passes, unless it has more chunks than allowed", async () => {
      expect(await verify()).toMatchObject({ passed: true, quarantine: [{ reason: "empty_text", chunks: 1 }] });
      const tooMany = await verify({ maxQuarantinedShare: 0.19 });
      expect(tooMany).toMatchObject({ passed: false, failures: { ...noFailures, quarantined: 1 } });
      expect(tooMany.examples).toEqual([{ chunkId: ids[4], reason: "quarantined" }]);
    });

    test("a quarantine counts only for the text that was rejected", async () => {
      await edit(ids[4], "отпуск за свой счёт");
      await database.execute(sql`delete from reembed.chunk_changes`);
      expect(await verify()).toMatchObject({ quarantined: 0, failures: { ...noFailures, missing: 1 } });
    });

    test("swapped vectors are found by embedding their texts again, and reported with the cosine", async () => {
      await database.execute(sql`
        update ${partition} v set embedding = other.embedding from ${partition} other
        where (v.chunk_id, other.chunk_id) in ((${ids[0]}::bigint, ${ids[1]}::bigint), (${ids[1]}::bigint, ${ids[0]}::bigint))`);
      const report = await verify();
      expect(report).toMatchObject({ passed: false, failures: { ...noFailures, wrong_vector: 2 } });
      expect(report.examples.map(({ chunkId }) => chunkId)).toEqual([ids[0], ids[1]]);
      expect(report.examples[0]?.detail).toMatch(/^cosine -?0\.\d{4} to the model's own vector, below 0\.999$/);
      expect(report.embeddedAgain).toMatchObject({ compared: 4, wrong: 2, wrongShareAtMost: 0.5 });
    });

    test("the cosine of an adopted vector may be 0.01 below 1, and that of our own 0.001", async () => {
      await turn(ids[2], 5);
      expect(await verify()).toMatchObject({ failures: { ...noFailures, wrong_vector: 1 } });
      await database.execute(sql`update ${partition} set token_count = null where chunk_id = ${ids[2]}`);
      const { passed, embeddedAgain } = await verify();
      expect({ passed, adopted: embeddedAgain?.adopted }).toEqual({ passed: true, adopted: 1 });
      expect(embeddedAgain?.leastCosine).toBeCloseTo(Math.cos((5 * Math.PI) / 180), 3);
      await turn(ids[2], 9);
      expect(await verify()).toMatchObject({ failures: { ...noFailures, wrong_vector: 1 } });
    });

    test("a vector whose length is not 1 fails unless it was adopted, but even then a zero vector fails", async () => {
      const scale = (factor: number) =>
        database.execute(sql`
          update ${partition} set embedding = embedding * array_fill(${factor}::real, array[1024])::vector::halfvec
          where chunk_id = ${ids[3]}`);
      await scale(1.02);
      expect(await verify()).toMatchObject({ failures: { ...noFailures, wrong_norm: 1 } });
      await database.execute(sql`update ${partition} set token_count = null`);
      expect(await verify()).toMatchObject({ passed: true });
      await scale(0);
      expect(await verify()).toMatchObject({ failures: { ...noFailures, wrong_norm: 1, wrong_vector: 1 } });
    });

    test("vectors of another revision, with other dimensions or without a chunk are reported", async () => {
      await database.execute(sql`update ${partition} set model_revision = 'older' where chunk_id = ${ids[0]}`);
      await database.execute(sql`update ${partition} set embedding = '[1,0,0]' where chunk_id = ${ids[1]}`);
      await database.execute(sql`
        insert into ${partition} (profile, chunk_id, content_hash, embedding, model_revision)
        select profile, 999999, content_hash, embedding, model_revision from ${partition} where chunk_id = ${ids[3]}`);
      const { failures, examples } = await verify();
      expect(failures).toEqual({ ...noFailures, other_revision: 1, wrong_dimensions: 1, wrong_vector: 1, orphan: 1 });
      expect(examples.map(({ chunkId, reason }) => [chunkId, reason])).toEqual([
        [ids[0], "other_revision"],
        [ids[1], "wrong_dimensions"],
        [ids[1], "wrong_vector"],
        [999999, "orphan"],
      ]);
    });

    test("a profile without chunks or without vectors is not proven", async () => {
      await database.execute(sql`delete from ${partition}`);
      expect(await verify()).toMatchObject({ passed: false, embeddedAgain: undefined, failures: { missing: 4 } });
      await database.execute(sql`delete from reembed.documents`);
      expect(await verify()).toMatchObject({ passed: false, chunks: 0, failures: noFailures });
    });
  },
  "PostgreSQL",
);
