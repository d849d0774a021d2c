import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { openMigration } from "./index.ts";

describeOnOneServer("an application's own search", (open) => {
  test("embeds with both models, answers with the rollout's profile, and records what it answers", async () => {
    const servers = await open();
    await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
    await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
    await storeBodies(database, ["заработная плата", "отпуск"]);
    const environment = {
      DATABASE_URL: servers.connectionString,
      BASELINE_PROFILE: "mini-rubert",
      CANDIDATE_PROFILE: "mini-m3",
      LOG_LEVEL: "silent",
    };
    {
      await using migration = await openMigration({ environment });
      for (const name of ["mini-rubert", "mini-m3"]) {
        const profile = await readProfile(database, name);
        const { rows } = await database.execute<{ id: string }>(sql`select id from ${sql.raw(profile.relation)}`);
        const ids = rows.map(({ id }) => Number(id));
        const pending = await readPendingChunks(database, profile, ids);
        const vectors = await migration.embed(
          name,
          pending.map(({ content }) => content),
        );
        const embedded = pending.map(({ id: chunkId, contentHash }, index) => {
          const vector = vectors[index] ?? new Float32Array();
          return { chunkId, contentHash, vector, tokenCount: 1, truncatedTokens: 0 };
        });
        expect(await upsertEmbeddings(database, profile, embedded)).toHaveLength(2);
      }

      expect(migration.profileOf("user-42")).toBe("mini-rubert");
      const query = { query: "отпуск", subject: "user-42", threshold: -1 };
      const answer = await migration.search(query);
      expect(answer).toMatchObject({ profile: "mini-rubert", results: [{ content: "отпуск" }, {}] });
      expect(answer.results[0]?.score).toBeCloseTo(1, 2);
      expect(await migration.search({ ...query, profile: "mini-m3" })).toMatchObject({ profile: "mini-m3" });

      await expect(migration.search({ query: "" })).rejects.toThrow("query must be a text");
      await expect(migration.embed("bge", ["a"])).rejects.toThrow("the profiles are mini-rubert, mini-m3");
    }
    const { rows } = await database.execute(sql`select profile, results from reembed.search_events`);
    expect(rows).toEqual([{ profile: "mini-rubert", results: 2 }]);
  });
});
