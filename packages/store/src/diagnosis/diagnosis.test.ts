import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../database/database.ts";
import { type RegisteredProfile, readProfile } from "../profiles/profiles.ts";
import { embeddingsPartition } from "../schema/relations.ts";
import { openSession } from "../search/ann-index.ts";
import { readClockAhead, readReplication, readServerFacts } from "./diagnosis.ts";
import { countOrphans, readTextFacts, readVectorFacts } from "./diagnosis-corpus.ts";
import { hasIndexOn, readAnnIndexes, readTableBytes } from "./diagnosis-indexes.ts";
import { readMissingRights, readRights } from "./diagnosis-rights.ts";

const rubert = testProfile("mini-rubert");
const partition = embeddingsPartition(rubert.name);
const everything = 1_000;

describeOnEachServer(
  "a diagnosis",
  (open) => {
    let database: Database;
    let profile: RegisteredProfile;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [rubert]);
      await storeBodies(database, ["one", "two", "two", "two", " ", ...Array.from({ length: 15 }, (_, i) => `${i}`)]);
      profile = await readProfile(database, rubert.name);
      // All of length 1 except for four.
      await database.execute(sql`
        insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
        select ${rubert.name}, id, '', (array_fill(case row_number() over (order by id)
          when 1 then 0 when 2 then 0 when 3 then 0.1 when 4 then 2 else 1 / sqrt(312) end::real, array[312]))::halfvec, 'x'
        from ${sql.raw(profile.relation)}`);
      return () => database.$client.end();
    });

    test("counts blank texts and equal texts", async () => {
      expect(await readTextFacts(database, profile, everything)).toEqual({
        rows: 20,
        sampled: 20,
        blank: 1,
        different: 18,
      });
    });

    test("counts vectors that are zero or whose length is not 1", async () => {
      expect(await readVectorFacts(database, profile, null, everything)).toEqual({
        rows: 20,
        sampled: 20,
        missing: 0,
        zero: 2,
        notANumber: 0,
        unnormalised: 2,
        otherDimensions: 0,
      });
    });

    test("reads the server's versions, clock and data directory", async () => {
      const facts = await readServerFacts(database);
      expect(facts).toMatchObject({ readOnly: false, synchronousStandbys: "" });
      expect(facts.major).toBe(Number.parseInt(facts.version, 10));
      expect(facts.pgvector.installed).toMatch(/^0\.8\./);
      expect(Math.abs(await readClockAhead(database))).toBeLessThan(5_000);
      expect(await readReplication(database)).toMatchObject({ replicas: 0, visible: 0 });
      expect(await readTableBytes(database, partition)).toBeGreaterThan(8_192);
      expect(await readTableBytes(database, "reembed.nowhere")).toBe(0);
    });
  },
  ["embedded", "PostgreSQL"],
);

describeOnEachServer(
  "a diagnosis",
  (open) => {
    let database: Database;
    let connectionString: string;
    const types = { idTypes: ["bigint"], documentType: "bigint", numbered: false };
    const columns = { id: ["id"], content: "text", embedding: "vector", document: '"the document"', position: "place" };
    const source = {
      ...types,
      table: "public.app_chunks",
      ...columns,
      documents: { table: "public.app_documents", key: "key" },
    };
    beforeAll(async () => {
      const servers = await open();
      connectionString = servers.connectionString;
      database = await openTestDatabase(servers, [rubert]);
      await database.execute(sql`create table app_documents (key int primary key)`);
      await database.execute(sql`insert into app_documents select generate_series(1, 1500)`);
      await database.execute(
        sql`create table app_chunks (id int primary key, text text, vector vector, "the document" int, place int)`,
      );
      await database.execute(sql`
        insert into app_chunks select i, case when i % 100 = 0 then null else i::text end,
          case when i % 100 = 1 then null when i % 100 = 2 then '[1,2]' else '[1,0,0]' end::vector, i, 1
        from generate_series(1, 2000) i`);
      await database.execute(sql`analyze app_chunks`);
      return () => database.$client.end();
    });

    test("finds what is missing in an application's table", async () => {
      const profile = { ...(await readProfile(database, rubert.name)), source, dimensions: 3 };
      const whole = { rows: 2_000, sampled: 2_000 };
      expect(await readTextFacts(database, profile, 2_000)).toEqual({ ...whole, blank: 20, different: 1_980 });
      expect(await readVectorFacts(database, profile, source, 2_000)).toMatchObject({
        ...whole,
        missing: 20,
        unnormalised: 20,
        otherDimensions: 20,
      });
      expect(await countOrphans(database, source, 2_000)).toEqual({ ...whole, orphans: 500 });
      expect(await hasIndexOn(database, source.table, source.document)).toBe(false);
      await database.execute(sql`create index on app_chunks ("the document", place)`);
      expect(await hasIndexOn(database, source.table, source.document)).toBe(true);
    });

    test("reads only some pages of a large table", async () => {
      const profile = { ...(await readProfile(database, rubert.name)), source };
      const reads = Array.from({ length: 8 }, () => readTextFacts(database, profile, 500));
      const sampled = (await Promise.all(reads)).map((facts) => facts.sampled);
      expect(Math.max(...sampled)).toBeLessThan(2_000);
      expect(Math.max(...sampled)).toBeGreaterThan(0);
    });

    test("distinguishes an index whose build was interrupted from a valid one", async () => {
      const table = embeddingsPartition(rubert.name);
      await database.execute(
        sql.raw(`create index good on ${table} using hnsw ((embedding::halfvec(312)) halfvec_cosine_ops)`),
      );
      const failed = sql.raw(
        `create index concurrently bad on app_chunks using hnsw ((vector::vector(3)) vector_cosine_ops)`,
      );
      // In the same session: the client gets its error before the build leaves the server's list, and the session answers the
      // next statement after both.
      await using session = await openSession(database);
      await expect(session.execute(failed)).rejects.toThrow();
      expect(await readAnnIndexes(session, table)).toMatchObject([
        { name: "good", kind: "hnsw", valid: true, building: false },
      ]);
      expect(await readAnnIndexes(session, source.table)).toMatchObject([
        { name: "bad", kind: "hnsw", valid: false, building: false },
      ]);
    });

    test("lists the rights that a role lacks", async () => {
      await database.execute(
        sql`do $$ begin create role visitor login; exception when duplicate_object then null; end $$`,
      );
      await database.execute(sql`grant select on app_chunks to visitor`);
      const visitor = openDatabase({
        connectionString: Object.assign(new URL(connectionString), { username: "visitor" }).href,
      });
      try {
        expect(await readRights(visitor)).toEqual({
          role: "visitor",
          createSchemas: false,
          createExtension: true,
          ownsTables: false,
        });
        expect(await readMissingRights(visitor, "public.app_chunks")).toEqual(["TRIGGER"]);
        expect(await readMissingRights(visitor, "public.nowhere")).toBeNull();
        // Only a superuser may read the data directory; for other roles it is unknown, without an error.
        expect((await readServerFacts(visitor)).dataDirectory).toBeNull();
      } finally {
        await visitor.$client.end();
      }
      expect(await readRights(database)).toMatchObject({ createSchemas: true, ownsTables: true });
      expect(await readMissingRights(database, "public.app_chunks")).toEqual([]);
    });
  },
  ["PostgreSQL"],
);
