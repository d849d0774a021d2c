import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store/profiles";
import {
  beginAdoption,
  describeOnEachServer,
  openTestDatabase,
  storeBodies,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { cutChangedDocuments } from "./cut-changed-documents.ts";
import { startProducer } from "./producer.ts";

const log = createLogger("silent");

describeOnEachServer(
  "a producer",
  (open) => {
    test("cuts documents that plain SQL has changed, before its tick", async () => {
      const { queue, ...servers } = await open();
      await using database = await openTestDatabase({ ...servers, queue }, [testProfile("mini-m3")]);
      await storeBodies(database, ["old text"]);
      const options = { database, queue, batchSize: 16, maxQueuedJobs: 20, tickMs: 50, lockDurationMs: 10_000, log };
      await using _producer = await startProducer(options);
      await database.execute(sql`update reembed.documents set body = 'new text'`);
      await waitFor("the new chunk", async () => {
        const { rows } = await database.execute<{ content: string }>(sql`select content from reembed.chunks`);
        return rows.length === 1 && rows[0]?.content === "new text";
      });
    });

    test("continues embedding if an adopted table was dropped and changed documents cannot be cut", async () => {
      const { adopt, query, database } = await beginAdoption(await open(), { ownRole: true });
      await adopt();
      await query("update document_chunks set content = 'edited' where id <= 40");
      await query("drop table document_chunks cascade");
      const errors: string[] = [];
      const watched = Object.assign(Object.create(log), {
        warn: (_: object, message: string) => errors.push(message),
      });
      await cutChangedDocuments(database, watched);
      expect(new Set(errors)).toEqual(new Set(["a changed document cannot be cut"]));
      expect(errors.length).toBeLessThanOrEqual(3);
    });

    test("if one document cannot be cut, names it, cuts all others, and retries it after them", async () => {
      await using database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      await storeBodies(database, ["first", "second", "third"]);
      const { relation } = await readProfile(database, "mini-m3");
      await database.execute(sql.raw(`alter table ${relation} add constraint odd check (content <> 'bad, edited')`));
      const edit = (body: string, changed: string) =>
        database.execute(sql`update reembed.documents set body = ${changed} where body = ${body}`);
      await edit("first", "bad, edited");
      await edit("second", "second, edited");
      const errors: object[] = [];
      const watched = Object.assign(Object.create(log), { warn: (details: object) => errors.push(details) });
      const contents = async () => {
        await cutChangedDocuments(database, watched);
        const { rows } = await database.execute<{ content: string }>(sql`select content from reembed.chunks`);
        return rows.map(({ content }) => content).sort();
      };
      expect(await contents()).toEqual(["first", "second, edited", "third"]);
      expect(errors).toEqual([{ document: expect.stringMatching(/\S/), error: expect.stringContaining('"odd"') }]);
      await edit("third", "third, edited");
      expect(await contents()).toEqual(["first", "second, edited", "third, edited"]);
      await database.execute(sql.raw(`alter table ${relation} drop constraint odd`));
      expect(await contents()).toEqual(["bad, edited", "second, edited", "third, edited"]);
    });
  },
  ["PostgreSQL"],
);
