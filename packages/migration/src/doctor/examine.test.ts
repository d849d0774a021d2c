import { loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { describeOnEachServer, openTestDatabase, storeBodies, type TestServers, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { examine } from "./examine.ts";
import type { Verdict } from "./finding.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];

/** The verdicts by name of the check. */
async function diagnose({ connectionString, queue }: TestServers, sample?: number): Promise<Record<string, Verdict>> {
  const config = loadConfig({
    ...{ BASELINE_PROFILE: "mini-rubert", CANDIDATE_PROFILE: "mini-m3", DATABASE_URL: connectionString },
    ...(queue.kind === "redis" ? { REDIS_URL: queue.url } : {}),
  });
  const findings = await examine(config, createLogger("silent"), { sample });
  return Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
}

/** Stores vectors that no model has made. */
async function storeVectors(database: Database): Promise<void> {
  await database.execute(sql`
    insert into reembed.chunk_embeddings (profile, chunk_id, content_hash, embedding, model_revision)
    select 'mini-m3', id, sha256(convert_to(content, 'UTF8')), array_fill(0.03125::real, array[1024])::halfvec, 'trained-1'
    from reembed."chunks_6000-300"`);
}

describeOnEachServer(
  "an examination",
  (open) => {
    test("of a new database finds no problem except that the tables are missing", async () => {
      const servers = await open({ empty: true });
      const verdicts = await diagnose(servers);
      expect(Object.values(verdicts)).not.toContain("problem");
      expect(verdicts).toMatchObject({ tables: "warning", PostgreSQL: "ok", rights: "ok", Redis: "ok", disk: "ok" });
    });

    test("finds vectors that the model did not make, unless it embeds none again", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, profiles);
      await storeBodies(database, ["Отпуск длится 28 дней.", "Pay day", "Pay day", " "]);
      const loaded = await diagnose(servers);
      expect(loaded).toMatchObject({ tables: "ok", "texts 6000-300": "warning", "vectors of mini-m3": "ok" });
      expect(loaded).not.toHaveProperty("made by mini-m3");
      await storeVectors(database);
      expect(await diagnose(servers)).toMatchObject({ "vectors of mini-m3": "ok", "made by mini-m3": "problem" });
      expect(await diagnose(servers, 0)).not.toHaveProperty("made by mini-m3");
    });
  },
  ["PostgreSQL and Redis"],
);

describeOnEachServer(
  "an examination",
  (open) => {
    test("finds a queue without tables, and tables of an older version", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, profiles);
      expect(await diagnose(servers)).toMatchObject({ tables: "ok" });
      await database.execute(sql`drop schema bullmq cascade`);
      expect(await diagnose(servers)).toMatchObject({ tables: "problem" });
      await database.execute(sql`update reembed.migrations set created_at = created_at - 1`);
      expect(await diagnose(servers)).toMatchObject({ tables: "problem", PostgreSQL: "ok" });
    });

    test("skips a retired profile, and continues after a check that fails", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, profiles);
      await database.execute(sql`update reembed.profiles set state = 'retired' where name = 'mini-rubert'`);
      await database.execute(sql`drop table reembed."chunk_embeddings_mini-rubert" cascade`);
      const verdicts = await diagnose(servers);
      expect(verdicts).toMatchObject({ tables: "ok", "vectors of mini-m3": "ok", "ANN index of mini-m3": "ok" });
      expect(verdicts).not.toHaveProperty("vectors of mini-rubert");

      await database.execute(sql`alter table reembed.chunks rename column content to text`);
      expect(await diagnose(servers)).toMatchObject({ texts: "warning", "vectors of mini-m3": "ok" });
    });
  },
  ["PostgreSQL"],
);
