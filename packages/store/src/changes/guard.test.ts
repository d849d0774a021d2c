import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  HashingEmbedder,
  openTestDatabase,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { checkSource } from "../adoption/adoption-source.ts";
import { takeOver } from "../adoption/adoption-takeover.ts";
import { copyVectors } from "../adoption/adoption-vectors.ts";
import type { Database } from "../database/database.ts";
import { type EmbeddedChunk, upsertEmbeddings } from "../embeddings/embeddings.ts";
import { type PendingChunk, readPendingChunks } from "../embeddings/pending.ts";
import { quarantineChunks } from "../embeddings/quarantine.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { settleChanges, takeChanges } from "./change-log.ts";
import { readDueChanges } from "./changes.ts";

const m3 = testProfile("mini-m3");
const isolationLevels = ["read committed", "repeatable read", "serializable"] as const;

/** Vectors and quarantines of another text than the present one, or without a chunk, for which no change waits. */
async function findUnguarded(database: Database, { name, chunking, relation }: RegisteredProfile): Promise<unknown[]> {
  const { rows } = await database.execute(sql`
    select stored.chunk_id, c.content from (
      select chunk_id, content_hash from reembed.chunk_embeddings where profile = ${name}
      union all select chunk_id, content_hash from reembed.quarantined_chunks where profile = ${name}
    ) stored
    left join ${sql.raw(relation)} c on c.id = stored.chunk_id
    where sha256(convert_to(c.content, 'UTF8')) is distinct from stored.content_hash
      and not exists (select from reembed.chunk_changes ch where ch.profile = ${name} and ch.chunk_id = stored.chunk_id)
      and not exists (
        select from reembed.change_log l
        where l.chunking = ${chunking} and (l.chunk_id = stored.chunk_id or l.chunk_id is null))`);
  return rows;
}

function embed(chunk: PendingChunk): EmbeddedChunk {
  const vector = new Float32Array(m3.model.dimensions).fill(1 / 32);
  return { chunkId: chunk.id, contentHash: chunk.contentHash, vector, tokenCount: 7, truncatedTokens: 0 };
}

async function idsOf(database: Database, { relation }: RegisteredProfile): Promise<number[]> {
  const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(relation)} order by id`);
  return rows.map((row) => Number(row.id));
}

/** Whether a connection is waiting with a statement like this. */
const waitsFor = (database: Database, statement: string) => async () => {
  const { rows } = await database.execute(sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and query like ${`%${statement}%`} and pid <> pg_backend_pid()`);
  return rows.length > 0;
};

// Locks need separate sessions, but PGlite has one for all connections.
describeOnEachServer(
  "storing vectors without locks",
  (open) => {
    async function begin(bodies: readonly string[]) {
      const database = await openTestDatabase(await open(), [m3]);
      await storeBodies(database, bodies);
      await startBackfill(database, await readProfile(database, m3.name));
      const profile = await readProfile(database, m3.name);
      const ids = await idsOf(database, profile);
      const edit = (id: number | undefined, content: string) =>
        database.execute(sql`update ${sql.raw(profile.relation)} set content = ${content} where id = ${id}`);
      return { database, profile, ids, edit, pending: await readPendingChunks(database, profile, ids) };
    }

    test("does not wait for a running edit, which then gets another vector", async () => {
      const { database, profile, ids, pending } = await begin(["first"]);
      await using _ = database;
      await database.transaction(async (edit) => {
        await edit.execute(sql`update ${sql.raw(profile.relation)} set content = 'edited' where id = ${ids[0]}`);
        expect(await upsertEmbeddings(database, profile, pending.map(embed))).toEqual(ids);
      });
      expect(await findUnguarded(database, profile)).toEqual([]);
      await takeChanges(database);
      expect(await readDueChanges(database, profile, { limit: 10, queueIsEmpty: false })).toEqual(ids);
    });

    test("checks again: a vector that has overwritten one of a newer text has a change waiting", async () => {
      const { database, profile, ids, edit, pending } = await begin(["first", "second"]);
      await using _ = database;
      await upsertEmbeddings(database, profile, pending.map(embed));
      let slow: Promise<number[]> = Promise.resolve([]);
      await database.transaction(async (other) => {
        // Another worker, which will have embedded the edit before the slow one gets its row.
        await other.execute(sql`
          update reembed.chunk_embeddings set content_hash = sha256('edited') where chunk_id = ${ids[0]}`);
        slow = upsertEmbeddings(database, profile, pending.map(embed));
        await waitFor("the slow store to wait", waitsFor(database, "store_vectors"));
        await edit(ids[0], "edited");
        await other.execute(sql`delete from reembed.change_log`);
      });
      await slow;
      const { rows } = await database.execute(sql`
        select from reembed.chunk_embeddings where chunk_id = ${ids[0]} and content_hash <> sha256('edited')`);
      expect(rows.length).toBe(1);
      expect(await findUnguarded(database, profile)).toEqual([]);
    });

    test("removes the remains of a chunk only while nobody is storing a vector", async () => {
      const { database, profile, ids, pending } = await begin(["first", "second"]);
      await using _ = database;
      // Delays a store after its second check, before it commits.
      await database.execute(sql`
        create function public.stand_still() returns trigger language plpgsql as $$ begin
          perform pg_advisory_xact_lock(42);
          return null;
        end $$`);
      await database.execute(
        sql.raw(`create constraint trigger stand_still after insert on reembed."chunk_embeddings_${m3.name}"
          deferrable initially deferred for each row execute function public.stand_still()`),
      );
      let slow: Promise<number[]> = Promise.resolve([]);
      let tick: Promise<void> = Promise.resolve();
      await database.transaction(async (gate) => {
        await gate.execute(sql`select pg_advisory_xact_lock(42)`);
        slow = upsertEmbeddings(database, profile, pending.map(embed));
        await waitFor("the slow store to wait", waitsFor(database, "store_vectors"));
        await database.execute(sql`delete from reembed.documents where uri = 'text-0'`);
        let done = false;
        tick = takeChanges(database).then(() => {
          done = true;
        });
        await waitFor("the tick to wait", async () => done || (await waitsFor(database, "remove_gone")()));
        expect(done).toBe(false);
      });
      await Promise.all([slow, tick]);
      expect(await findUnguarded(database, profile)).toEqual([]);
      const { rows } = await database.execute(sql`select chunk_id from reembed.chunk_embeddings`);
      expect(rows).toEqual([{ chunk_id: `${ids[1]}` }]);
    });

    test("does not remove a change of a newer text than the one that has a vector", async () => {
      const { database, profile, ids, edit, pending } = await begin(["first", "second"]);
      await using _ = database;
      await upsertEmbeddings(database, profile, pending.map(embed));
      await edit(ids[0], "edited");
      await database.execute(
        sql`insert into reembed.chunk_changes (profile, chunk_id) values (${profile.name}, ${ids[1]})`,
      );
      await takeChanges(database);
      await settleChanges(database, profile, ids);
      expect(await readDueChanges(database, profile, { limit: 10, queueIsEmpty: false })).toEqual([ids[0]]);
    });

    test("leaves no change of a deleted chunk, whoever recorded it", async () => {
      const { database, profile, ids } = await begin(["first"]);
      await using _ = database;
      await database.execute(sql`delete from reembed.documents`);
      await takeChanges(database);
      await database.execute(
        sql`insert into reembed.chunk_changes (profile, chunk_id) values (${profile.name}, ${ids[0]})`,
      );
      expect(await readPendingChunks(database, profile, ids)).toEqual([]);
      expect((await database.execute(sql`select from reembed.chunk_changes`)).rows).toEqual([]);
    });

    test("leaves a change for every stale vector, with four workers, a producer and four writers", async () => {
      const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`);
      const { database, profile, ids, edit } = await begin(texts);
      await using _ = database;
      const any = <T>(list: readonly T[]) => list[Math.floor(Math.random() * list.length)];
      let ending = false;
      const until = async (turn: () => Promise<unknown>) => {
        while (!ending) await turn();
      };
      const worker = async () => {
        const batch = (await idsOf(database, profile)).filter(() => Math.random() < 0.5);
        const pending = await readPendingChunks(database, profile, batch);
        const [blank, ...rest] = pending.sort(() => Math.random() - 0.5);
        if (blank !== undefined) {
          const detail = "It was chosen.";
          await quarantineChunks(database, profile, [{ ...blank, chunkId: blank.id, reason: "empty_text", detail }]);
        }
        await upsertEmbeddings(database, profile, rest.map(embed));
      };
      let edits = 0;
      const writer = async () => {
        edits++;
        if (edits % 40 === 0) await storeBodies(database, texts);
        else if (edits % 23 === 0) {
          const uri = `text-${Math.floor(Math.random() * texts.length)}`;
          await database.execute(sql`delete from reembed.documents where uri = ${uri}`);
        } else await edit(any(ids), any(["a", "b", "c"]) ?? "");
      };
      const running = [worker, worker, worker, worker, writer, writer, writer, writer].map(until);
      running.push(until(() => takeChanges(database)));
      try {
        for (let look = 0; look < 100; look++) expect(await findUnguarded(database, profile)).toEqual([]);
        await Promise.race([...running, waitFor("edits", () => edits > 200)]);
      } finally {
        ending = true;
        await Promise.all(running);
      }
      await takeChanges(database);
      const left = await idsOf(database, profile);
      await upsertEmbeddings(database, profile, (await readPendingChunks(database, profile, left)).map(embed));
      await takeChanges(database);
      expect(await findUnguarded(database, profile)).toEqual([]);
      const { rows } = await database.execute(sql`
        select from reembed.chunk_embeddings e left join ${sql.raw(profile.relation)} c on c.id = e.chunk_id
        where sha256(convert_to(c.content, 'UTF8')) is distinct from e.content_hash`);
      expect(rows).toEqual([]);
    });
  },
  ["PostgreSQL"],
);

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
            for await (const outcomes of embedder.embed(pending.map(({ content }) => content))) {
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
          for (let round = 0; round < 40 || stored < 1_000; round++) {
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
      const embedded = pending.map((chunk) => ({ ...embed(chunk), vector }));
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
