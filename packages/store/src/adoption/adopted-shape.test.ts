import { adoptedProfile, applicationColumns, beginAdoption, describeOnEachServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { readTriggerFacts } from "../diagnosis/diagnosis-triggers.ts";
import { readProfile } from "../profiles/profiles.ts";
import { readCoverage } from "../progress/coverage.ts";
import { recutChangedDocuments } from "../rechunking/document-changes.ts";
import { explainAdopted } from "./adopted-errors.ts";
import { checkSource } from "./adoption-source.ts";
import { adoptAgain } from "./adoption-takeover.ts";

const none = { chunks: [], documents: [] };

describeOnEachServer(
  "an application whose table was adopted",
  (open) => {
    const begin = async () => {
      const begun = await beginAdoption(await open(), { ownRole: true });
      await begun.adopt();
      return begun;
    };

    test("adds, alters and drops columns as before, and drops its table", async () => {
      const { query, changes } = await begin();
      for (const statement of [
        "add column plain int default 0",
        "add column copied text generated always as (content) stored",
        "drop column copied",
        "alter column content type varchar(4000)",
        "alter column id type bigint",
        "alter column chunk_index type bigint",
        "drop column views",
      ]) {
        await query(`alter table document_chunks ${statement}`);
        await query("update document_chunks set content = content, plain = plain");
        expect(await changes(), statement).toEqual(none);
      }
      await query("update document_chunks set content = 'edited' where id = 1");
      expect(await changes()).toEqual({ chunks: [1], documents: ["alpha"] });
      await query("drop table document_chunks");
    });

    test("renames a column without an error, and everything that it wrote since is found when it is adopted again", async () => {
      const { database, query, rows, changes } = await begin();
      // The session has planned the triggers' statements for the table as it was.
      await query("update document_chunks set content = content");
      await query("alter table document_chunks rename content to body");
      await query("update document_chunks set body = 'edited' where id = 1");
      await query("delete from document_chunks where id = 2");
      await query(
        "insert into document_chunks (document_id, chunk_index, body, tenant, checksum) values ('delta', 0, 'new', 't', 'c')",
      );
      const [{ id }] = await query("select id from document_chunks where body = 'new'");
      // Nothing is lost, and nobody else waits for it.
      expect(await changes()).toEqual(none);
      expect((await rows("select from reembed.change_log where chunk_id is null")).length).toBeGreaterThan(0);

      const profile = await readProfile(database, adoptedProfile.name);
      const failed = await readCoverage(database, profile).catch((error) => error);
      expect(explainAdopted(failed)).toMatchObject({
        code: "adopted_table_changed",
        exitCode: 3,
        message:
          'The adopted table public.document_chunks cannot be read as it was adopted: column "content" does not exist.',
      });
      const source = await checkSource(database, { ...applicationColumns, content: "body" });
      await adoptAgain(database, profile.chunking, source);
      expect(await changes()).toEqual({ chunks: [1, id], documents: ["alpha", "beta", "delta", "gamma"] });
      expect(await rows("select from reembed.chunk_embeddings where chunk_id = 2")).toEqual([]);
      await query("update document_chunks set body = 'edited again' where id = 3");
      expect((await changes()).chunks).toEqual([1, 3, id]);
    });

    test("replaces its table under the same name, which is noticed, and adopted again", async () => {
      const { database, query, changes } = await begin();
      await database.$client.query("grant create on schema public to public");
      await query("create table new_chunks (like document_chunks including all)");
      await query("insert into new_chunks select * from document_chunks where id <> 1");
      await query("alter table document_chunks rename to old_chunks");
      await query("alter table new_chunks rename to document_chunks");
      await query("update document_chunks set content = 'unseen' where id = 2");
      expect(await changes()).toEqual(none);
      const { missing } = await readTriggerFacts(database, "public.document_chunks");
      expect(missing).toEqual(["reembed_delete", "reembed_edit", "reembed_insert", "reembed_truncate"]);
      const profile = await readProfile(database, adoptedProfile.name);
      await adoptAgain(database, profile.chunking, await checkSource(database, applicationColumns));
      expect((await readTriggerFacts(database, "public.document_chunks")).missing).toEqual([]);
      expect((await changes()).chunks).toEqual([2]);
      expect(await readCoverage(database, profile)).toMatchObject({ pending: 1, changes: 1 });
    });

    test("drops its table, which is reported as such", async () => {
      const { database, query } = await begin();
      await query("update document_chunks set content = 'edited' where id = 1");
      await query("drop table document_chunks");
      const recut = recutChangedDocuments(database, { limit: 10 });
      await expect(recut).rejects.toMatchObject({ code: "adopted_table_gone", exitCode: 3 });
      const profile = await readProfile(database, adoptedProfile.name);
      const read = await readCoverage(database, profile).catch((error) => error);
      expect(explainAdopted(read)).toMatchObject({
        code: "adopted_table_changed",
        message: expect.stringContaining('relation "public.document_chunks" does not exist'),
      });
    });
  },
  ["PostgreSQL"],
);
