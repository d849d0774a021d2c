import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { readProfile } from "../profiles/profiles.ts";
import { sampleChunks } from "./sampling.ts";

const profile = testProfile("mini-rubert");

describeOnEachServer(
  "a random sample of chunks",
  (open) => {
    async function chunksUpTo(ids: string) {
      const database = await openTestDatabase(await open(), [profile]);
      const registered = await readProfile(database, profile.name);
      await database.execute(
        sql`insert into reembed.documents (uri, title, language, body) values ('a', 'A', 'en', 'x')`,
      );
      await database.execute(sql`
        insert into ${sql.raw(registered.relation)} (chunking, id, document_id, position, start_offset, end_offset, content)
        select ${registered.chunking}, id, (select id from reembed.documents), id, 0, 1, 'text ' || id
        from ${sql.raw(ids)} as id`);
      return { database, registered };
    }

    test("of a few chunks is all of them, and of none is empty", async () => {
      const { database, registered } = await chunksUpTo("generate_series(1, 30)");
      await using _ = database;
      expect((await sampleChunks(database, registered, 100)).map(({ id }) => id)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      await database.execute(sql`delete from ${sql.raw(registered.relation)}`);
      expect(await sampleChunks(database, registered, 100)).toEqual([]);
    });

    test("of many chunks with gaps has the requested size, is spread over the whole range, and differs each time", async () => {
      const { database, registered } = await chunksUpTo("generate_series(1, 40000, 4)");
      await using _ = database;
      const samples = [await sampleChunks(database, registered, 200), await sampleChunks(database, registered, 200)];
      for (const sample of samples) {
        expect(new Set(sample.map(({ id }) => id)).size).toBe(200);
        expect(sample.every(({ id, content }) => content === `text ${id}`)).toBe(true);
        const quarters = Map.groupBy(sample, ({ id }) => Math.floor((id - 1) / 10_000));
        for (const quarter of [0, 1, 2, 3]) expect(quarters.get(quarter)?.length).toBeGreaterThan(20);
      }
      expect(samples[0]).not.toEqual(samples[1]);
    });
  },
  ["embedded", "PostgreSQL"],
);
