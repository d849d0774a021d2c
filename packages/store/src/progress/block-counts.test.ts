import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { embedPending } from "../../test/embed-pending.ts";
import { idsOf } from "../../test/unguarded.ts";
import { takeChanges } from "../changes/change-log.ts";
import { sweepBlock } from "../changes/sweep.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { findMiscount, recountBlocks } from "./block-counts.ts";
import { countCoverage, readCoverage } from "./coverage.ts";

const m3 = testProfile("mini-m3");
const blockSize = 65_536;

describeOnEachServer(
  "stored counts",
  (open, kind) => {
    async function begin() {
      const servers = await open();
      const database = await openTestDatabase(servers, [m3]);
      onTestFinished(() => database.$client.end());
      await database.execute(
        sql`insert into reembed.documents (uri, title, language, body) values ('a', '', 'ru', 'a')`,
      );
      return { servers, database, profile: await readProfile(database, m3.name) };
    }

    test("are right before and after every step, and chunks of several blocks are counted once", async () => {
      const { database, profile } = await begin();
      await expectCounts(database, profile, { chunks: 0, vectors: 0 });
      await addChunks(database, profile, [1, 2, blockSize, 3 * blockSize + 5]);
      await expectCounts(database, profile, { chunks: 4, vectors: 0 });
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 4, vectors: 0 });
      await takeChanges(database);
      await embedPending(database, profile, await idsOf(database, profile));
      await expectCounts(database, profile, { chunks: 4, vectors: 4 });
      await database.execute(sql`select reembed.recount_blocks(1)`);
      await expectCounts(database, profile, { chunks: 4, vectors: 4 });
      await recountBlocks(database);
      expect(await storedCounts(database)).toEqual([
        ["chunks", "0", "2"],
        ["chunks", "1", "1"],
        ["chunks", "3", "1"],
        ["vectors", "0", "2"],
        ["vectors", "1", "1"],
        ["vectors", "3", "1"],
      ]);
      expect(await countMarks(database)).toBe(0);
      await database.execute(sql`delete from ${sql.raw(profile.relation)} where id in (2, ${blockSize})`);
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
      await takeChanges(database);
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
    });

    test("of a block are read, and not counted, until a chunk or a vector of it comes or goes", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, 2, blockSize]);
      await takeChanges(database);
      await recountBlocks(database);
      await database.execute(sql`update reembed.block_counts set counted = 1000 where block = 1`);
      await addChunks(database, profile, [3]);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 1_003 });
      // A vector that replaces another changes no number.
      await embedPending(database, profile, await idsOf(database, profile));
      await recountBlocks(database);
      await database.execute(sql`update reembed.chunk_embeddings set content_hash = ''`);
      expect(await countMarks(database)).toBe(0);
      await addChunks(database, profile, [blockSize + 1]);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 5 });
    });

    test("know of a deletion that a tick meets only while it removes what another one has left", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, blockSize]);
      await takeChanges(database);
      await recountBlocks(database);
      await database.execute(sql`delete from ${sql.raw(profile.relation)} where id = 1`);
      await database.execute(sql`select reembed.take_changes(10)`);
      await database.execute(sql`delete from ${sql.raw(profile.relation)} where id = ${blockSize}`);
      await database.execute(sql`select reembed.remove_gone(10)`);
      await expectCounts(database, profile, { chunks: 0, vectors: 0 });
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 0, vectors: 0 });
    });

    test("of a partition that is emptied are counted anew", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, 2]);
      await takeChanges(database);
      await embedPending(database, profile, await idsOf(database, profile));
      await recountBlocks(database);
      await database.execute(sql.raw(`truncate ${embeddingsPartition(profile.name)}`));
      await expectCounts(database, profile, { chunks: 2, vectors: 0 });
      await database.execute(sql.raw(`truncate ${profile.relation}`));
      await expectCounts(database, profile, { chunks: 0, vectors: 0 });
    });

    test("that are wrong, because rows went without their triggers, are found, and counted anew", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, 2, 3]);
      await takeChanges(database);
      await embedPending(database, profile, await idsOf(database, profile));
      await recountBlocks(database);
      expect(await findMiscount(database, profile)).toBeUndefined();
      await removeUnseen(database, profile, 2);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 3, embedded: 3 });
      expect(await countCoverage(database, profile)).toMatchObject({ chunks: 2, embedded: 2 });
      expect(await findMiscount(database, profile)).toEqual({ chunks: 1, vectors: 1 });
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
      expect(await findMiscount(database, profile)).toBeUndefined();
    });

    test("are counted anew at the end of a sweep's round", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, 2]);
      await takeChanges(database);
      await recountBlocks(database);
      await removeUnseen(database, profile, 2);
      await sweepBlock(database, profile, { everyMs: 0 });
      await expectCounts(database, profile, { chunks: 1, vectors: 0 });
    });

    test("are not kept of ids that are too sparse for blocks", async () => {
      const { database, profile } = await begin();
      await addChunks(database, profile, [1, 2 ** 52]);
      await takeChanges(database);
      await recountBlocks(database);
      await addChunks(database, profile, [2 ** 51]);
      await takeChanges(database);
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 3, vectors: 0 });
      expect(await storedCounts(database)).toEqual([]);
      // The marks of everything, of chunks and of vectors.
      expect(await countMarks(database)).toBeLessThanOrEqual(2);
    });

    test.skipIf(kind === "embedded")("stay right if rows are committed while they are counted", async () => {
      const { servers, database, profile } = await begin();
      await addChunks(database, profile, [1]);
      await takeChanges(database);
      await embedPending(database, profile, await idsOf(database, profile));
      const other = openDatabase(servers);
      onTestFinished(() => other.$client.end());
      await other.transaction(async (transaction) => {
        await addChunks(transaction, profile, [2]);
        await transaction.execute(sql`
          insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
          select profile, 2, content_hash, embedding, model_revision from reembed.chunk_embeddings where chunk_id = 1`);
        await recountBlocks(database);
        await expectCounts(database, profile, { chunks: 1, vectors: 1 });
      });
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
      await recountBlocks(database);
      await takeChanges(database);
      await recountBlocks(database);
      await expectCounts(database, profile, { chunks: 2, vectors: 2 });
    });

    test.skipIf(kind === "embedded")("are stored by one process at a time, and no other waits for it", async () => {
      const { servers, database, profile } = await begin();
      await addChunks(database, profile, [1]);
      const other = openDatabase(servers);
      onTestFinished(() => other.$client.end());
      await other.transaction(async (transaction) => {
        await transaction.execute(sql`select reembed.recount_blocks(64)`);
        await recountBlocks(database);
        await expectCounts(database, profile, { chunks: 1, vectors: 0 });
      });
      await expectCounts(database, profile, { chunks: 1, vectors: 0 });
    });
  },
  ["embedded", "PostgreSQL"],
);

async function addChunks(
  database: Pick<Database, "execute">,
  profile: RegisteredProfile,
  ids: readonly number[],
): Promise<void> {
  for (const id of ids) {
    await database.execute(sql`
      insert into ${sql.raw(profile.relation)} (id, chunking, document_id, position, start_offset, end_offset, content)
      overriding system value
      select ${id}::bigint, ${profile.chunking}, id, ${id}::bigint % 1000000, 0, 1, ${`text ${id}`} from reembed.documents limit 1`);
  }
}

/** As a subscription or a restored dump does. */
async function removeUnseen(database: Database, profile: RegisteredProfile, id: number): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`set local session_replication_role = replica`);
    await transaction.execute(sql`delete from ${sql.raw(profile.relation)} where id = ${id}`);
    await transaction.execute(sql`delete from reembed.chunk_embeddings where chunk_id = ${id}`);
  });
}

async function expectCounts(
  database: Database,
  profile: RegisteredProfile,
  { chunks, vectors }: { chunks: number; vectors: number },
): Promise<void> {
  const read = await readCoverage(database, profile);
  expect({ chunks: read.chunks, vectors: read.embedded + read.outdated }).toEqual({ chunks, vectors });
  expect(read).toMatchObject({
    ...(await countCoverage(database, profile)),
    oldestChangeSeconds: expect.toSatisfy(isAge),
  });
}

function isAge(age: unknown): boolean {
  return age === null || typeof age === "number";
}

async function storedCounts(database: Database): Promise<string[][]> {
  const { rows } = await database.execute<Record<"kind" | "block" | "counted", string>>(
    sql`select kind, block, counted from reembed.block_counts order by kind, block`,
  );
  return rows.map(({ kind, block, counted }) => [kind, block, counted]);
}

async function countMarks(database: Database): Promise<number> {
  const { rows } = await database.execute<{ marks: string }>(sql`select count(*) as marks from reembed.count_marks`);
  return Number(rows[0]?.marks);
}
