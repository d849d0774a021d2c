import { resolveProfile } from "@reembed/core";
import { changeRollout, readRollout } from "@reembed/store/rollout";
import { recordVerification } from "@reembed/store/verification";
import { createApplication, describeOnOneServer, HashingEmbedder, openTestDatabase } from "@reembed/testing";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const baseline = resolveProfile("mini-rubert");
const { dimensions } = resolveProfile("mini-m3").model;

describeOnOneServer("the end of a migration", (open) => {
  test("is an application's table with the new vectors, in a database without Reembed", async () => {
    const servers = await open();
    const embedder = new HashingEmbedder({ model: baseline.model });
    await using application = await createApplication({
      ...{ ...servers, embedder, chunking: baseline.chunking, ownRole: true },
    });
    await application.write("alpha", "The first text.\n\n".repeat(200));
    const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
    const run = (...args: string[]) => runReembed(args, { environment });
    await run("init");
    await run("adopt", "document_chunks", "--reembed");
    await using database = await openTestDatabase(servers, []);
    const query = async (text: string) => (await database.$client.query(text)).rows;
    await query(`
      insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
      select 'mini-m3', id, sha256(convert_to(content, 'UTF8')), (
        select l2_normalize(array_agg(sin(id * i))::real[]::vector)::halfvec from generate_series(1, ${dimensions}) i
      ), 'trained-1' from document_chunks`);
    expect(await run("finalize", "--hand-over", "--keep-days", "0")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/cannot be handed over yet:\n {2}- mini-m3 answers 0 % of subjects/),
    });
    const now = await readRollout(database);
    await changeRollout(database, now, { ...now, stage: "full", percent: 100 }, { by: "anna", reason: "a test" });
    await recordVerification(database, { profile: "mini-m3", passed: true, report: {} });
    await run("expose", "mini-m3");
    const needed = await run("uninstall", "--yes");
    expect(needed).toMatchObject({ code: 3, stdout: "" });
    expect(needed.stderr).toMatch(/- rollout: mini-m3 answers 100 % .*\n {2}- exposure: .*reembed_mini_m3/);
    await run("expose", "mini-m3", "--remove");

    const asked = await run("finalize", "--hand-over", "--keep-days", "0");
    expect(asked).toMatchObject({ code: 3, stderr: expect.stringContaining("This writes the application's own rows") });
    const [{ count }] = await query("select count(*)::int from document_chunks");
    const handOver = () => run("finalize", "--hand-over", "--keep-days", "0", "--yes", "--json");
    const [done] = jsonLines(await handOver());
    const handedOver = {
      written: count,
      missing: 0,
      column: '"embedding"',
      lockedMs: expect.any(Number),
      warnings: [],
    };
    expect(done).toMatchObject(handedOver);
    expect(jsonLines(await handOver())).toMatchObject([{ written: 0, lockedMs: null }]);
    expect(await run("finalize", "--hand-over", "--undo", "--yes")).toMatchObject({ code: 0 });
    expect(await query("select distinct vector_dims(embedding) as length from document_chunks")).toEqual([
      { length: baseline.model.dimensions },
    ]);
    expect(jsonLines(await handOver())).toMatchObject([{ written: count }]);

    const [removed] = jsonLines(await run("uninstall", "--yes", "--json"));
    const outcome = { select: "ok", insert: "ok", update: "ok", delete: "ok" };
    expect(removed).toMatchObject({ proven: [{ table: "public.document_chunks", outcome }], overruled: {} });
    expect(await query("select nspname from pg_namespace where nspname ~ 'reembed'")).toEqual([]);
    expect(await query("select proname from pg_proc where proname ~ 'reembed'")).toEqual([]);
    expect(await query("select tgname from pg_trigger where not tgisinternal")).toEqual([]);
    const { rows } = await application.client.query(`
      select id, vector_dims(embedding) as length from document_chunks order by embedding <=> (
        select embedding from document_chunks where id = 2) limit 1`);
    expect(rows).toEqual([{ id: 2, length: dimensions }]);
    expect(
      await query(
        "select attname from pg_attribute where attrelid = 'document_chunks'::regclass and attname ~ 'reembed'",
      ),
    ).toEqual([]);
  });
});
