import { applicationColumns, beginAdoption, describeOnEachServer, versionedBody } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";

const articles = { table: "articles", key: "slug", uri: "url", title: "headline", language: "lang", body: "full_text" };
const nothing = { chunks: [], documents: [] };

describeOnEachServer(
  "an application without rights on our schema",
  (open) => {
    const begin = async (options: { articles?: boolean } = {}) =>
      await beginAdoption(await open(), { ownRole: true, ...options });

    test("has its relevant writes logged, and no updates of other columns", async () => {
      const { adopt, query, rows, changes, forgetChanges, rechunk } = await begin();
      await adopt();
      await expect(query("select from reembed.documents")).rejects.toThrow(/permission denied/);
      await query(
        "update document_chunks set views = views + 1, tenant = 'other', embedding = null, content = content",
      );
      expect(await changes()).toEqual(nothing);

      await query("update document_chunks set content = 'edited ' || content where id in (1, 2)");
      expect(await changes()).toEqual({ chunks: [1, 2], documents: ["alpha"] });
      await forgetChanges();
      await query("update document_chunks set document_id = 'beta', chunk_index = 99 where id = 1");
      expect(await changes()).toEqual({ chunks: [], documents: ["alpha", "beta"] });
      await forgetChanges();
      const [{ id }] = await query(
        `insert into document_chunks (document_id, chunk_index, content, tenant, checksum)
         values ('delta', 0, 'new', 'acme', 'new') returning id`,
      );
      expect(await changes()).toEqual({ chunks: [id], documents: ["delta"] });
      await query("update document_chunks set id = 5000 where id = $1", [id]);
      expect((await changes()).chunks).toEqual([5000]);

      await query("delete from document_chunks where id in (4, 5000)");
      expect((await changes()).chunks).toEqual([]);
      expect(await rows(`select from reembed.chunk_embeddings where chunk_id in (4, 5000)`)).toEqual([]);
      await query("truncate document_chunks restart identity");
      expect((await changes()).documents).toEqual(["alpha", "beta", "delta", "gamma"]);
      expect(await rows(`select from reembed.chunk_embeddings`)).toEqual([]);
      await rechunk();
      expect(await rows(`select from reembed.documents`)).toEqual([]);
    });

    test("is followed byte by byte, where its collation takes texts for equal that differ in case", async () => {
      const { adopt, database, query, changes } = await begin();
      await database.execute(sql`
        create collation public.caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
      await query("alter table document_chunks alter content type text collate public.caseless");
      await adopt();
      await query("update document_chunks set content = upper(content) where id = 1");
      expect((await changes()).chunks).toEqual([1]);
    });

    test("may write between the adoption and the copying of its vectors: edited chunks are embedded again", async () => {
      const { adopt, query, rows, changes, application } = await begin();
      const other = await application.connect();
      await adopt(applicationColumns, async () => {
        await query("update document_chunks set content = 'edited' where id = 1");
        await query("delete from document_chunks where id = 2");
        await other.query("begin");
        await other.query("update document_chunks set content = 'being edited' where id = 3");
        await other.query("delete from document_chunks where id = 4");
      });
      await other.query("commit");
      const current = `
        select e.chunk_id from reembed.chunk_embeddings e left join document_chunks c on c.id = e.chunk_id
        where e.chunk_id < 5 and (c.id is null or e.content_hash = sha256(convert_to(c.content, 'UTF8')))`;
      expect((await changes()).chunks).toEqual([1, 3]);
      expect(await rows(current)).toEqual([]);
    });

    test("may have a table of documents, from which bodies, titles and uris are read", async () => {
      const { adopt, query, rows, changes, rechunk, expectCandidate, documents } = await begin({ articles: true });
      await query("insert into articles values ('twin', 'https://example.org/alpha', null, null, 'Without chunks.')");
      await adopt({ ...applicationColumns, documents: articles });
      const described = () =>
        rows(`select source_key as key, uri, title, language from reembed.documents order by source_key`);
      const entry = (key: string) => {
        return { key, uri: `https://example.org/${key}`, title: key.toUpperCase(), language: "en" };
      };
      const shared = "https://example.org/alpha";
      const twin = { key: "twin", uri: `${shared}#twin`, title: shared, language: "und" };
      expect(await described()).toEqual([...documents.map(entry), twin]);
      await rechunk();
      const bodies = Object.fromEntries(documents.map((document) => [document, versionedBody(document)]));
      await expectCandidate({ ...bodies, twin: "Without chunks." });

      await query("update articles set author = 'somebody'");
      expect(await changes()).toEqual(nothing);
      await query("update articles set headline = 'New', full_text = full_text || ' More.' where slug = 'alpha'");
      await query("delete from articles where slug = 'beta'");
      expect((await changes()).documents).toEqual(["alpha", "beta"]);
      await rechunk();
      await expectCandidate({
        alpha: `${versionedBody("alpha")} More.`,
        gamma: versionedBody("gamma"),
        twin: "Without chunks.",
      });
      expect(await described()).toEqual([{ ...entry("alpha"), title: "New" }, entry("gamma"), twin]);
      await query("truncate articles cascade");
      await rechunk();
      await expectCandidate({});
    });

    test("deletes without a scan of all changes, even if there are only a few", async () => {
      const { adopt, database, application } = await begin();
      await adopt();
      await application.write("delta", versionedBody("delta"));
      // A session that planned with such statistics keeps its plan when there are many changes.
      await database.execute(sql`analyze reembed.chunk_changes, reembed.quarantined_chunks`);
      const scans = await database.transaction(async (transaction) => {
        const count = async () => {
          const { rows } = await transaction.execute<{ scans: string }>(sql`
            select sum(seq_scan) as scans from pg_stat_xact_all_tables
            where schemaname = 'reembed' and relname ~ '^(chunk_changes|chunk_embeddings|quarantined)'`);
          return Number(rows[0]?.scans);
        };
        const before = await count();
        await transaction.execute(sql`delete from document_chunks where document_id = 'delta'`);
        return (await count()) - before;
      });
      expect(scans).toBe(0);
    });
  },
  ["PostgreSQL"],
);
