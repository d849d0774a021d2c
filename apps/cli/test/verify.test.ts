import { readPendingChunks, upsertEmbeddings } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { lastVerification } from "@reembed/store/verification";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const m3 = testProfile("mini-m3");

describeOnEachServer(
  "reembed verify",
  (open) => {
    test("does not trust flags: vectors that the model did not make fail one by one, and the verdict is stored", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), m3]);
      await storeBodies(database, ["Отпуск длится 28 дней.", "Зарплата приходит пятого числа."]);
      await startBackfill(database, await readProfile(database, m3.name));
      await database.execute(sql`update reembed.profiles set state = 'backfilled'`);
      const profile = await readProfile(database, m3.name);
      const { rows } = await database.execute<{ id: string }>(
        sql`select id from ${sql.raw(profile.relation)} order by id`,
      );
      const chunkIds = rows.map((row) => Number(row.id));
      const pending = await readPendingChunks(database, profile, chunkIds);
      const vector = new Float32Array(m3.model.dimensions).fill(1 / 32);
      await upsertEmbeddings(
        database,
        profile,
        pending.map(({ id, contentHash }) => ({ chunkId: id, contentHash, vector, tokenCount: 7, truncatedTokens: 0 })),
      );

      const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
      const outcome = await runReembed(["verify", "--json"], { environment });
      expect(outcome.code).toBe(3);
      expect(outcome.stderr).toContain(
        "mini-m3 is not proven: 2 vectors differ from what the model makes of their texts.",
      );
      const [report] = jsonLines(outcome);
      expect(report).toMatchObject({ passed: false, current: 2, coverage: 1, failures: { wrong_vector: 2 } });
      expect(report).toMatchObject({ examples: chunkIds.map((chunkId) => ({ chunkId, reason: "wrong_vector" })) });
      expect(await lastVerification(database, profile)).toMatchObject({ passed: false, report });
    });
  },
  ["PostgreSQL"],
);
