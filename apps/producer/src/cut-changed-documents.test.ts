import { createLogger } from "@reembed/runtime";
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
    test("cuts what plain SQL has changed, before it makes its tick", async () => {
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

    test("goes on embedding when an adopted table is gone, and changed documents cannot be cut", async () => {
      const { adopt, query, database } = await beginAdoption(await open(), { ownRole: true });
      await adopt();
      await query("update document_chunks set content = 'edited' where id = 1");
      await query("drop table document_chunks cascade");
      const errors: string[] = [];
      const watched = Object.assign(Object.create(log), {
        error: (_: object, message: string) => errors.push(message),
      });
      await cutChangedDocuments(database, watched);
      expect(errors).toEqual(["changed documents cannot be cut"]);
    });
  },
  ["PostgreSQL"],
);
