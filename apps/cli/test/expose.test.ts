import { resolveProfile } from "@reembed/core";
import { createApplication, describeOnOneServer, HashingEmbedder, openTestDatabase } from "@reembed/testing";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const baseline = resolveProfile("mini-rubert");
const candidate = resolveProfile("mini-m3");

describeOnOneServer(
  "reembed expose",
  (open) => {
    test("shows an adopted table with the candidate's vectors in a schema of its own, and takes it away again", async () => {
      const servers = await open();
      const embedder = new HashingEmbedder({ model: baseline.model });
      await using application = await createApplication({
        ...{ ...servers, embedder, chunking: baseline.chunking, ownRole: true },
      });
      await application.write("alpha", "The first text.\n\n".repeat(200));
      const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
      const run = (...args: string[]) => runReembed(args, { environment });
      expect(await run("init")).toMatchObject({ code: 0 });
      await using database = await openTestDatabase(servers, []);
      const query = async (text: string) => (await database.$client.query(text)).rows;
      expect(await run("expose", "mini-m3")).toMatchObject({
        code: 3,
        stderr: expect.stringContaining(
          "mini-m3 has no vectors of an application's rows: its chunks are Reembed's own, of 6000-300.",
        ),
      });
      expect(jsonLines(await run("adopt", "document_chunks", "--reembed", "--json"))).toMatchObject([
        { chunks: "keep" },
      ]);
      await query(`
        insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
        select 'mini-m3', id, sha256(convert_to(content, 'UTF8')), (
          select l2_normalize(array_agg(sin(id * i))::real[]::vector)::halfvec from generate_series(1, ${candidate.model.dimensions}) i
        ), 'trained-1' from document_chunks where id > 1`);

      const [{ rolname }] = await query(
        "select pg_get_userbyid(relowner) as rolname from pg_class where relname = 'document_chunks'",
      );
      const planned = await run("expose", "mini-m3", "--role", rolname, "--dry-run");
      expect(planned).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('create view "reembed_mini_m3"."document_chunks"'),
      });
      expect(await query("select to_regnamespace('reembed_mini_m3') as schema")).toEqual([{ schema: null }]);

      const [{ count }] = await query("select count(*)::int from document_chunks");
      const [exposed] = jsonLines(await run("expose", "mini-m3", "--role", rolname, "--json"));
      expect(exposed).toMatchObject({
        ...{ schema: "reembed_mini_m3", table: "public.document_chunks", roles: [rolname], index: null },
        rows: { shown: count - 1, all: count },
        warnings: [
          `1 of ${count} rows have no vector yet, and are not shown.`,
          expect.stringContaining("No index serves the view"),
        ],
      });
      await application.client.query("set search_path = reembed_mini_m3, public");
      const shown = await application.client.query("select count(*)::int from document_chunks");
      expect(shown.rows).toEqual([{ count: count - 1 }]);
      expect(await run("expose", "mini-m3", "--remove")).toMatchObject({
        code: 0,
        stdout: "The exposure of mini-m3 is removed.\n",
      });
      expect((await application.client.query("select count(*)::int from document_chunks")).rows).toEqual([{ count }]);
      expect(await run("expose", "mini-m3", "--remove")).toMatchObject({ code: 3 });
    });
  },
  "PostgreSQL",
);
