import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { findUnguarded, idsOf } from "../../test/unguarded.ts";
import type { Database } from "../database/database.ts";
import { type EmbeddedChunk, upsertEmbeddings } from "../embeddings/embeddings.ts";
import { type PendingChunk, readPendingChunks } from "../embeddings/pending.ts";
import { quarantineChunks } from "../embeddings/quarantine.ts";
import { readProfile } from "../profiles/profiles.ts";
import { startBackfill } from "../progress/backfill-state.ts";
import { settleChanges, takeChanges } from "./change-log.ts";
import { readDueChanges } from "./changes.ts";

const m3 = testProfile("mini-m3");

function embed(chunk: PendingChunk): EmbeddedChunk {
  const vector = new Float32Array(m3.model.dimensions).fill(1 / 32);
  return { chunkId: chunk.id, contentHash: chunk.contentHash, vector, tokenCount: 7, truncatedTokens: 0 };
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
        let done = false;
        const stored = upsertEmbeddings(database, profile, pending.map(embed)).finally(() => {
          done = true;
        });
        await waitFor("the store", async () => done || (await waitsFor(database, "store_vectors")()));
        expect(done).toBe(true);
        expect(await stored).toEqual(ids);
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
