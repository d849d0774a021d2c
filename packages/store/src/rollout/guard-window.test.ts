import { randomUUID } from "node:crypto";
import { withPercent } from "@reembed/core";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { recordFeedback, recordSearches, type SearchEvent } from "../search/search-log.ts";
import { readGuardWindow, readKeptWindow } from "./guard-window.ts";
import { changeRollout, readRollout } from "./rollout.ts";
import { ensureRollout } from "./rollout-pair.ts";

const profiles = [testProfile("mini-rubert"), testProfile("mini-m3")];
const pair = { baseline: "mini-rubert", candidate: "mini-m3" };

function search(event: Partial<SearchEvent>): SearchEvent {
  return {
    requestId: randomUUID(),
    profile: pair.candidate,
    shadowOf: null,
    query: null,
    tookMs: 10,
    chunkIds: [1],
    scores: [1],
    error: null,
    overlap10: null,
    rankCorrelation: null,
    ageMs: 0,
    ...event,
  };
}

describeOnEachServer(
  "a window of the guardrails",
  (open) => {
    let database: Database & AsyncDisposable;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), profiles);
      return () => database[Symbol.asyncDispose]();
    });

    test("counts the profile's failures, empty answers, latency and feedback", async () => {
      const options = { windowSeconds: 600 };
      expect(await readGuardWindow(database, pair.candidate, options)).toEqual({
        searches: 0,
        errors: 0,
        empty: 0,
        latency: null,
        judged: 0,
        negative: 0,
      });
      const answers = Array.from({ length: 400 }, (_, index) => search({ tookMs: index + 1 }));
      const [liked, disliked, twice] = answers;
      await recordSearches(database, [
        ...answers,
        search({ error: "model_failed", chunkIds: [], scores: [], tookMs: 9_999 }),
        search({ chunkIds: [], scores: [], tookMs: 100 }),
        search({ ageMs: 601_000 }),
        search({ profile: pair.baseline }),
        // The same request, answered by the baseline; its feedback belongs to the baseline.
        search({ requestId: disliked?.requestId ?? "", shadowOf: pair.baseline, tookMs: 5_000 }),
      ]);
      for (const [searched, kind] of [
        [liked, "helpful"],
        [disliked, "unhelpful"],
        [twice, "clicked"],
        [twice, "unhelpful"],
      ] as const) {
        await recordFeedback(database, { requestId: searched?.requestId ?? "", chunkId: 1, kind });
      }
      const window = await readGuardWindow(database, pair.candidate, options);
      expect(window).toMatchObject({ searches: 402, errors: 1, empty: 1, judged: 3, negative: 2 });
      // 401 answers: 1, 2 … 400 ms and one more of 100. Ranks 381, 367 and 396, with the spread 3 * sqrt(401 * 0.0475).
      expect(window.latency).toEqual({ p95: 380, low: 366, high: 395 });
      const shadowed = await readGuardWindow(database, pair.candidate, { ...options, shadow: true });
      expect(shadowed).toMatchObject({ searches: 403, judged: 3 });
      const searchesSince = async (since: Date) =>
        (await readGuardWindow(database, pair.candidate, { ...options, since })).searches;
      expect(await searchesSince(new Date())).toBe(0);
      // A stage in the future was written by another clock, and does not hide anything.
      expect(await searchesSince(new Date(Date.now() + 60_000))).toBe(402);
    });

    test("of the baseline is stored with a change, and not used for another pair of profiles", async () => {
      await ensureRollout(database, pair);
      const rollout = await readRollout(database);
      const baselineWindow = { searches: 500, errors: 1, empty: 2, latency: null, judged: 3, negative: 1 };
      const canary = await changeRollout(database, rollout, withPercent(rollout, 50), {
        by: "anna",
        reason: "",
        baselineWindow,
      });
      await changeRollout(database, canary, withPercent(canary, 0), { by: "anna", reason: "" });
      expect(await readKeptWindow(database)).toEqual(baselineWindow);
      await ensureRollout(database, { baseline: pair.candidate, candidate: pair.baseline });
      expect(await readKeptWindow(database)).toBeUndefined();
    });
  },
  ["embedded", "PostgreSQL"],
);
