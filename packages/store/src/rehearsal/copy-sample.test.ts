import { describeOnEachServer, openTestDatabase } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { checkSource } from "../adoption/adoption-source.ts";
import type { Database } from "../database/database.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { copySample } from "./copy-sample.ts";
import { createRehearsalSchemas, dropRehearsalSchemas, rehearsalSchemas } from "./rehearsal-schemas.ts";

const wanted: ChunkSource = {
  table: `shop."Parts of pages"`,
  id: [`"Part"`, "tenant"],
  content: `"Parts of pages".body`,
  embedding: "vec",
  document: "page",
  where: "tenant = 'a'",
  documents: { table: "shop.pages", key: "id", title: "name" },
};

describeOnEachServer(
  "a sample for a rehearsal",
  (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [], 2);
      // 400 pages of ten parts each of tenant a, and as many of tenant b.
      await database.$client.query(`
        create schema shop;
        create table shop.pages (id int primary key, name text not null);
        create table shop."Parts of pages" (
          "Part" int not null, tenant text not null, page int not null references shop.pages,
          body text generated always as ('part ' || "Part") stored, vec vector(3), unique (tenant, "Part"));
        insert into shop.pages select n, 'page ' || n from generate_series(1, 400) n;
        insert into shop."Parts of pages" ("Part", tenant, page, vec)
          select n, t, 1 + n % 400, '[1,2,3]' from generate_series(1, 4000) n, unnest('{a,b}'::text[]) t`);
      return () => database.$client.end();
    });

    async function copy(share: number, of: ChunkSource = wanted) {
      const schemas = rehearsalSchemas(database);
      const source = await checkSource(database, of);
      await dropRehearsalSchemas(database, schemas);
      await createRehearsalSchemas(database, schemas);
      return await copySample(database, source, { schemas, share, signal: new AbortController().signal });
    }

    test("has all rows of a share of the documents, and can be adopted as the table can", async () => {
      const { source, rows, share } = await copy(0.3);
      expect(share).toBe(rows / 4_000);
      // 120 of 400 pages, give or take four standard deviations.
      expect(rows / 10).toBeGreaterThan(83);
      expect(rows / 10).toBeLessThan(157);
      const { rows: found } = await database.$client.query(`
        select count(*)::int as rows, count(distinct page)::int as pages, min(tenant) as least, max(tenant) as most,
          (select count(*)::int from reembed_rehearsal_rows.pages) as documents
        from reembed_rehearsal_rows."Parts of pages"`);
      expect(found).toEqual([{ rows, pages: rows / 10, documents: rows / 10, least: "a", most: "a" }]);
      const adopted = await checkSource(database, source);
      expect(adopted.table).toBe(`reembed_rehearsal_rows."Parts of pages"`);
      expect(adopted.documents?.table).toBe("reembed_rehearsal_rows.pages");
    });

    test("is larger than the share if that would be too few rows, and the whole table at most", async () => {
      const { rows, share } = await copy(0.001);
      expect(share).toBeGreaterThan(0.001);
      expect(rows).toBeGreaterThanOrEqual(500);
      expect(await copy(1)).toMatchObject({ rows: 4_000, share: 1 });
    });

    test("finds the documents by an expression too, and rows on which the documents' expression may fail", async () => {
      const documents = { table: "shop.pages", key: "concat('page ', id)" };
      const named = await copy(0.3, { ...wanted, document: "concat('page ', page)", documents });
      expect((await checkSource(database, named.source)).documents?.key).toBe("concat('page ', id)");
      const failing = "1000 / (page - 400)";
      const { rows } = await copy(0.3, {
        ...wanted,
        document: failing,
        where: "tenant = 'a' and page < 400",
        documents: undefined,
      });
      expect(rows).toBeGreaterThan(500);
    });

    test("is not made where its tables would reach subscribers", async () => {
      const schemas = rehearsalSchemas(database);
      await dropRehearsalSchemas(database, schemas);
      await database.$client.query("create publication everything for all tables");
      await expect(createRehearsalSchemas(database, schemas)).rejects.toMatchObject({ code: "all_published" });
      await database.$client.query("drop publication everything");
    });

    test("is removed with its schemas, and a schema that somebody else made is neither used nor removed", async () => {
      const schemas = rehearsalSchemas(database);
      await dropRehearsalSchemas(database, schemas);
      await database.$client.query("create schema reembed_rehearsal");
      await expect(createRehearsalSchemas(database, schemas)).rejects.toMatchObject({
        code: "schema_taken",
        exitCode: 3,
      });
      await dropRehearsalSchemas(database, schemas);
      const { rows } = await database.$client.query("select nspname from pg_namespace where nspname ~ 'rehearsal'");
      expect(rows).toEqual([{ nspname: "reembed_rehearsal" }]);
    });
  },
  ["PostgreSQL"],
);
