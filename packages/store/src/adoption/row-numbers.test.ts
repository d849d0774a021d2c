import { adoptedProfile, describeOnEachServer, openTestDatabase } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { checkSource } from "./adoption-source.ts";
import { logEverything } from "./replace-source.ts";
import { logUnnumbered, numberRows } from "./row-numbers.ts";

const chunking = "numbered";
const columns = { table: "parts", id: ["key"], content: "text", embedding: "vector" };
const keyOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

describeOnEachServer(
  "rows of an adopted table",
  (open) => {
    /** Rows whose keys are in another order than the rows, and numbered. */
    async function begin({ partitioned = false } = {}) {
      const database = await openTestDatabase(await open(), [adoptedProfile]);
      const query = async (text: string) => (await database.execute<{ key: string }>(sql.raw(text))).rows;
      await query(`create table parts (key uuid primary key, text text, vector vector(312))
        ${partitioned ? "partition by hash (key)" : ""}`);
      if (partitioned) await query("create table parts_0 partition of parts for values with (modulus 1, remainder 0)");
      for (const n of [3, 1, 4, 2]) await query(`insert into parts values ('${keyOf(n)}', 'text ${n}')`);
      const source = await checkSource(database, columns);
      const since = await numberRows(database, chunking, source, { alone: true });
      const compare = async () => {
        const everything = await logEverything(database, chunking);
        await logUnnumbered(database, chunking, source, { everything, since });
        const logged = await query(`
          select coalesce(l.key, k.key) as key, l.key is null as gone from reembed.change_log l
          left join reembed.chunk_keys k on k.id = l.chunk_id order by 1`);
        return logged.map((row) => ({ ...row, key: Number(row.key.slice(-12)) }));
      };
      const numbered = async () =>
        (await query(`select key from reembed.chunk_keys order by id`)).map(({ key }) => Number(key.slice(-12)));
      return { database, query, source, compare, numbered };
    }

    test("are numbered in the order in which they are stored if their keys are uuids, and again only if they have no number", async () => {
      const { database, query, source, numbered } = await begin();
      await using _ = database;
      expect(await numbered()).toEqual([3, 1, 4, 2]);
      await query(`insert into parts values ('${keyOf(0)}', 'later')`);
      await numberRows(database, chunking, source, { alone: false });
      expect(await numbered()).toEqual([3, 1, 4, 2, 0]);
    });

    test("are numbered in the order of their keys in a partitioned table", async () => {
      const { database, numbered, query, compare } = await begin({ partitioned: true });
      await using _ = database;
      expect(await numbered()).toEqual([1, 2, 3, 4]);
      await query(`insert into parts values ('${keyOf(5)}', 'later')`);
      expect(await compare()).toEqual([{ key: 5, gone: false }]);
    });

    test("that were written while the others were numbered are logged by their keys, and nothing else is", async () => {
      const { database, query, compare } = await begin();
      await using _ = database;
      await query(`insert into parts values ('${keyOf(5)}', 'later')`);
      await query(`update parts set text = 'edited' where key = '${keyOf(1)}'`);
      expect(await compare()).toEqual([{ key: 5, gone: false }]);
    });

    test("that are gone since are logged by their numbers, also if as many were written", async () => {
      const { database, query, compare } = await begin();
      await using _ = database;
      await query(`delete from parts where key = '${keyOf(4)}'`);
      await query(`update parts set key = '${keyOf(6)}' where key = '${keyOf(3)}'`);
      expect(await compare()).toEqual([
        { key: 3, gone: true },
        { key: 4, gone: true },
        { key: 6, gone: false },
      ]);
    });
  },
  ["PostgreSQL", "PostgreSQL, in another schema"],
);
