import type { NoticeFacts, ProfileFacts } from "@reembed/store/notices";
import { expect, test } from "vitest";
import { findConditions } from "./conditions.ts";

const now = new Date("2026-11-27T02:40:00Z");
const minutesAgo = (minutes: number) => new Date(now.getTime() - 60_000 * minutes);

const profile: ProfileFacts = {
  ...{ name: "mini-m3", chunking: "6000-300", relation: "chunks", source: null, model: "mini-m3", revision: "1" },
  ...{ dimensions: 1024, limit: 15, threshold: 0.5, state: "backfilling", wasComplete: false },
  ...{ backfillCursor: 0, backfillTarget: 9, backfillOrder: "id", backfillUntil: null, backfillRate: null },
  ...{ paused: false, throttleReason: null, estimate: null, ann: null, version: "1" },
  ...{ completedAt: null, quarantined: 0, chunks: 1_000, lastWorkAt: minutesAgo(1), hasChanges: false },
  ...{ cost: null, budget: null },
};
const worker = { id: "w", host: "gpu-1", profile: "mini-m3", device: "cuda", waitsFor: null, seenAt: now };
const running = { ...worker, isRunning: true };
const lost = { ...worker, id: "v", seenAt: minutesAgo(3), isRunning: false };

/** The kinds that hold, and those that only keep a notice open in brackets. */
function kindsOf(change: Partial<ProfileFacts>, workers: NoticeFacts["workers"] = [running]): string[] {
  const facts = { now, profiles: [{ ...profile, ...change }], workers, breaches: [], candidate: "mini-m3" };
  return findConditions(facts, { maxQuarantinedShare: 0.01, url: "http://receiver/" })
    .filter(({ kind }) => kind !== "webhook.connected")
    .map(({ kind, begins }) => (begins ? kind : `(${kind})`));
}

const idle = { lastWorkAt: minutesAgo(30) };
test.each<[string, Partial<ProfileFacts>, string[]]>([
  ["nothing, while all goes well", {}, []],
  ["a share of the quarantine above the limit", { quarantined: 11 }, ["quarantine.exceeded"]],
  ["nothing at the limit but what was told before", { quarantined: 10 }, ["(quarantine.exceeded)"]],
  ["nothing well below the limit", { quarantined: 9 }, []],
  ["nothing of a quarantine without chunks", { quarantined: 4, chunks: 0 }, []],
  ["that a backfill stands still", idle, ["backfill.stalled"]],
  ["nothing of one that is paused", { ...idle, paused: true }, []],
  ["nothing of one that gives way to a load", { ...idle, throttleReason: "The database is busy." }, []],
  ["nothing of one whose rate is less than a chunk in ten minutes", { ...idle, backfillRate: 0.001 }, []],
  ["nothing of vectors without a model", { ...idle, model: "as-is" }, []],
  ["that the budget is spent, and not that it stands still", { ...idle, cost: 20, budget: 20 }, ["budget.spent"]],
  ["that a backfill is complete", { state: "backfilled", completedAt: now }, ["profile.backfilled"]],
])("it is told %s", (_, change, kinds) => {
  expect(kindsOf(change)).toEqual(kinds);
});

test("a lost worker is told of while there is work for it, with those that are left", () => {
  expect(kindsOf({}, [lost, running])).toEqual(["worker.lost"]);
  expect(kindsOf({ state: "backfilled", hasChanges: true }, [lost])).toEqual(["worker.lost"]);
  expect(kindsOf({ state: "backfilled" }, [lost])).toEqual(["(worker.lost)"]);
});
