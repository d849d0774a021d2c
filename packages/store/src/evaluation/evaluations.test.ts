import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { lastEvaluation, recordEvaluation } from "./evaluations.ts";
import { readLoggedQueries } from "./logged-queries.ts";

const pair = { baseline: "mini-rubert", candidate: "mini-m3" };

describeOnEachServer(
  "evaluations",
  (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")], 1);
      return () => database.$client.end();
    });

    test("the last evaluation of two profiles is found, and none of other profiles", async () => {
      expect(await lastEvaluation(database, pair)).toBeUndefined();
      await recordEvaluation(database, { ...pair, verdict: "undecided", report: { k: 10 } });
      await recordEvaluation(database, { ...pair, verdict: "better", report: { k: 5 } });
      await recordEvaluation(database, { ...pair, candidate: "bge-m3", verdict: "worse", report: {} });
      expect(await lastEvaluation(database, pair)).toMatchObject({
        ...pair,
        verdict: "better",
        report: { k: 5 },
        evaluatedAt: expect.any(Date),
      });
    });

    test("logged queries are the latest ones, each once", async () => {
      const log = async (
        query: string | null,
        { shadowOf = null as string | null, error = null as string | null } = {},
      ) =>
        await database.execute(sql`
          insert into reembed.search_events (request_id, profile, shadow_of, query, took_ms, results, error)
          values (gen_random_uuid(), 'mini-m3', ${shadowOf}, ${query}, 1, 0, ${error})`);
      await log("pay");
      await log("leave");
      await log("pay");
      await log("shadow", { shadowOf: "mini-rubert" });
      await log("failed", { error: "embedder_down" });
      await log(" \t");
      await log(null);
      expect(await readLoggedQueries(database, 10)).toEqual(["pay", "leave"]);
      expect(await readLoggedQueries(database, 1)).toEqual(["pay"]);
    });
  },
  ["embedded", "PostgreSQL"],
);
