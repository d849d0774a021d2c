import { randomUUID } from "node:crypto";
import { adoptedProfile, describeOnEachServer, openTestDatabase } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { embedPending } from "../../test/embed-pending.ts";
import { findUnguarded, idsOf } from "../../test/unguarded.ts";
import { takeChanges } from "../changes/change-log.ts";
import { sweepBlock } from "../changes/sweep.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { checkSource } from "./adoption-source.ts";
import { takeOver } from "./adoption-takeover.ts";
import { copyVectors } from "./adoption-vectors.ts";

const columns = { table: "parts", id: ["key"], content: "text", embedding: "vector" };

/** Keys of each type, and two rows' keys that are one where the type takes spellings for equal. */
const keyTypes: [type: string, key: (n: number) => string][] = [
  ["uuid", (n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`],
  ['text collate "C"', (n) => `Key ${n}, "quoted" {a}`],
  ["varchar(191)", (n) => `k-${n}`],
  ["numeric", (n) => `${n}.50`],
  ["bigint", (n) => `${9_007_199_254_740_993n + BigInt(n)}`],
];

async function adopt(database: Database, source: ChunkSource): Promise<RegisteredProfile> {
  await takeOver(database, adoptedProfile, await checkSource(database, source), { vectors: true });
  await takeChanges(database);
  while ((await copyVectors(database, adoptedProfile.name, 50)) !== undefined);
  return await readProfile(database, adoptedProfile.name);
}

describeOnEachServer(
  "an adopted table with other keys than whole numbers",
  (open) => {
    async function begin(type: string, key: (n: number) => string) {
      const servers = await open();
      const database = await openTestDatabase(servers, [adoptedProfile]);
      await database.execute(
        sql.raw(`create table parts (key ${type} primary key, text text, "Doc" text, vector vector(312))`),
      );
      const keys = Array.from({ length: 20 }, (_, n) => key(n));
      for (const [n, one] of keys.entries()) {
        await database.execute(sql`
          insert into parts values (${one}, ${`text ${n}`}, ${`d${n % 4}`}, array_fill(0.1::real, array[312])::vector)`);
      }
      return { servers, database, keys };
    }

    test.each(keyTypes)(
      "has its vectors copied, is found by its keys' index, and is followed, with keys of %s",
      async (type, key) => {
        const { database, keys } = await begin(type, key);
        await using _ = database;
        const profile = await adopt(database, { ...columns, document: "Doc" });
        expect(profile.source).toMatchObject({ numbered: true, document: '"Doc"' });
        expect(await readCoverage(database, profile)).toMatchObject({ chunks: 20, embedded: 20, changes: 0 });
        const ids = await idsOf(database, profile);
        expect(ids.every((id) => id > 0 && id < 1_000)).toBe(true);
        const plan = await database.transaction(async (transaction) => {
          await transaction.execute(sql`set local enable_seqscan = off`);
          const { rows } = await transaction.execute(sql`
          explain select c.content from ${sql.raw(profile.relation)} c where c.id = ${ids[3]}::bigint`);
          return JSON.stringify(rows);
        });
        expect(plan).toMatch(/parts_pkey/);
        expect(plan).toMatch(/chunk_keys_chunking_id_pk/);

        await database.execute(sql`update parts set text = 'edited' where key = ${keys[0]}`);
        await database.execute(sql`delete from parts where key = ${keys[1]}`);
        await database.execute(sql`insert into parts values (${key(50)}, 'new', 'd9')`);
        await database.execute(sql`update parts set key = ${key(51)} where key = ${keys[2]}`);
        await takeChanges(database);
        expect(await readCoverage(database, profile)).toMatchObject({
          chunks: 20,
          embedded: 17,
          pending: 3,
          changes: 3,
        });
        const { rows } = await database.execute(sql`select from reembed.chunk_keys`);
        expect(rows.length).toBe(20);
        expect(await findUnguarded(database, profile)).toEqual([]);
      },
    );

    test.each(["date", "timestamptz", "bytea", "boolean", "jsonb"])(
      "is refused with a key of %s, whose text is not the same in every session or does not name one row",
      async (type) => {
        await using database = await openTestDatabase(await open(), [adoptedProfile]);
        await database.execute(sql.raw(`create table parts (key ${type} primary key, text text, vector vector(312))`));
        await expect(checkSource(database, columns)).rejects.toMatchObject({
          code: "table_unfit",
          exitCode: 3,
          message: `public.parts.key is ${type === "timestamptz" ? "timestamp with time zone" : type}, but an id must be a text, a whole number, a numeric or a uuid.`,
          remedy: "Give other columns that identify a row with --id.",
        });
      },
    );

    test("has a number for each row of a key of several columns, and none for rows that are left out", async () => {
      const { database } = await begin("int", String);
      await using _ = database;
      await database.execute(sql`alter table parts drop constraint parts_pkey, add primary key (key, "Doc")`);
      const wanted = { ...columns, id: ["key", "Doc"], where: "\"Doc\" <> 'd3'" };
      const profile = await adopt(database, wanted);
      expect(profile.source).toMatchObject({ id: ['"key"', '"Doc"'], idTypes: ["bigint", "text"] });
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 15, embedded: 15 });
      await database.execute(sql`insert into parts values (5, 'another', 'd0'), (5, 'left out', 'd3')`);
      await database.execute(sql`update parts set "Doc" = 'd3' where key = 0`);
      await takeChanges(database);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 15, embedded: 14, changes: 1 });
    });

    test("has rows without a number, and numbers without a row, found by the sweep if no trigger recorded them", async () => {
      const { database, keys } = await begin("uuid", (n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`);
      await using _ = database;
      await adopt(database, columns);
      await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      const profile = await readProfile(database, adoptedProfile.name);
      await database.transaction(async (transaction) => {
        await transaction.execute(sql`set local session_replication_role = replica`);
        await transaction.execute(sql`insert into parts values (${randomUUID()}, 'unseen', 'd9')`);
        await transaction.execute(sql`delete from parts where key = ${keys[7]}`);
        await transaction.execute(sql`update parts set text = 'unseen' where key = ${keys[8]}`);
      });
      for (let block = 0; block < 20; block++) await sweepBlock(database, profile, { chunks: 5, everyMs: 0 });
      await takeChanges(database);
      expect(await readCoverage(database, profile)).toMatchObject({ chunks: 20, embedded: 18, changes: 2 });
      expect((await database.execute(sql`select from reembed.chunk_keys`)).rows.length).toBe(20);
    });

    test.each(keyTypes.slice(0, 2))(
      "leaves a change for every stale vector, with keys of %s, two workers, a producer and three writers",
      async (type, key) => {
        const { servers, database, keys } = await begin(type, key);
        await using _ = database;
        const profile = await adopt(database, { ...columns, document: "Doc" });
        const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
        let ending = false;
        let writes = 0;
        const until = async (turn: () => Promise<unknown>) => {
          while (!ending) await turn();
        };
        const worker = async () => {
          const ids = await idsOf(database, profile);
          await embedPending(
            database,
            profile,
            ids.filter(() => Math.random() < 0.5),
          );
        };
        // Each has keys of its own, so that they do not wait for each other, and none may ever fail.
        const writer = async (own: readonly string[]) => {
          const application = openDatabase({ ...servers, maxConnections: 1 });
          await using _application = { [Symbol.asyncDispose]: () => application.$client.end() };
          await until(() =>
            application.transaction(
              async (transaction) => {
                for (const one of [any(own), any(own)]) {
                  writes++;
                  const choice = Math.random();
                  if (choice < 0.3) await transaction.execute(sql`delete from parts where key = ${one}`);
                  else if (choice < 0.6) {
                    await transaction.execute(
                      sql`insert into parts values (${one}, ${any(["a", "b"])}, 'd1') on conflict do nothing`,
                    );
                  } else
                    await transaction.execute(sql`update parts set text = ${any(["a", "b", "c"])} where key = ${one}`);
                }
              },
              { isolationLevel: "repeatable read" },
            ),
          );
        };
        const running = [until(worker), until(worker), until(() => takeChanges(database))];
        for (const of of [0, 1, 2]) running.push(writer(keys.filter((_one, n) => n % 3 === of)));
        try {
          await Promise.race([
            ...running,
            (async () => {
              for (let look = 0; look < 60 || writes < 300; look++) {
                expect(await findUnguarded(database, profile)).toEqual([]);
              }
            })(),
          ]);
        } finally {
          ending = true;
          await Promise.allSettled(running);
        }
        await Promise.all(running);
        await takeChanges(database);
        await embedPending(database, profile, await idsOf(database, profile));
        await takeChanges(database);
        const { rows } = await database.execute<Record<"rows" | "keys" | "right" | "stored", number>>(sql`
          select (select count(*)::int from parts) as rows, (select count(*)::int from reembed.chunk_keys) as keys,
            (select count(*)::int from ${sql.raw(profile.relation)} c join reembed.chunk_embeddings e on e.chunk_id = c.id
              and e.content_hash = sha256(convert_to(c.content, 'UTF8'))) as right,
            (select count(*)::int from reembed.chunk_embeddings) as stored`);
        const [counts] = rows;
        expect(counts).toEqual({ rows: counts?.rows, keys: counts?.rows, right: counts?.rows, stored: counts?.rows });
      },
    );
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
