import type { ProfileStatus } from "@reembed/migration/status";
import { expect, test } from "vitest";
import { describeStatuses } from "./describe-status.ts";

const status: ProfileStatus = {
  ...{
    profile: "m3",
    state: "backfilled",
    asIs: false,
    paused: false,
    next: null,
    throttleReason: null,
    queueLimits: null,
    adoption: null,
    oldestChangeSeconds: null,
  },
  ...{ chunks: 9, embedded: 9, pending: 0, changes: 0, quarantined: 0, outdated: 0, coverage: 1, etaSeconds: null },
  backfill: { order: "id", until: null, rate: null },
  queue: { waiting: 0, active: 0, delayed: 0, failed: 0 },
  rate: { chunksPerSecond: 0, tokensPerSecond: 0 },
  spending: null,
  ...{
    forecast: null,
    verification: null,
    index: null,
    wrongClocks: [],
    undelivered: null,
    changeLog: { rows: 0, oldestSeconds: 0 },
  },
  workers: [{ id: "w", host: "h", device: "cpu", profile: "m3", tokensPerSecond: 0, waitsFor: null }],
};
const notes = (changed: Partial<ProfileStatus>, settings: { tickLimits?: string; tickMs?: number } = {}) =>
  describeStatuses([{ ...status, ...changed }], new Date(), settings).split("\n\n")[1];

test("a paused queue is named, and so is a paused producer queue", () => {
  expect(notes({})).toBeUndefined();
  expect(notes({ queueLimits: "The queue is paused." })).toBe("m3: The queue is paused.");
  expect(notes({}, { tickLimits: "The queue is paused." })).toBe("producer: The queue is paused. No ticks are made.");
});

test("workers that wait are named with the reason, each reason once", () => {
  const workers = ["The key is refused.", "The budget is spent.", "The key is refused.", null].map(
    (waitsFor, place) => ({
      ...{ id: `w${place}`, host: "h", device: "http", profile: "m3", tokensPerSecond: 0, waitsFor },
    }),
  );
  expect(notes({ workers })).toBe("m3: 2 workers wait: The key is refused.\nm3: 1 worker waits: The budget is spent.");
});

test("what an embedding server was paid is named, unless it costs nothing", () => {
  const spending = { sentTokens: 615_000_000, cost: 12.3, price: 0.02, budget: 20 };
  const paid = "spent, for 615,000,000 tokens at 0.02 a million";
  expect(notes({ spending })).toBe(`m3: 12.30 of a budget of 20.00 ${paid}`);
  expect(notes({ spending: { ...spending, budget: null } })).toBe(`m3: 12.30 ${paid}`);
  expect(notes({ spending: { sentTokens: 5, cost: 0, price: null, budget: null } })).toBeUndefined();
});

test("a log that no producer takes is named with its age, which ticks may reach too", () => {
  const changeLog = { rows: 12_345, oldestSeconds: 720 };
  expect(notes({ changeLog })).toBe(
    "12,345 changes wait in the log, the first for 12 min: no producer takes them. Run `reembed producer`.",
  );
  expect(notes({ changeLog: { rows: 1, oldestSeconds: 61 } })).toMatch(/^1 change waits in the log/);
  expect(notes({ changeLog: { rows: 1, oldestSeconds: 60 } })).toBeUndefined();
  expect(notes({ changeLog }, { tickMs: 3_600_000 })).toBeUndefined();
});

test("a host whose clock is wrong is named once", () => {
  const wrongClocks = [{ host: "gpu-7", aheadMs: -86_400_000 }];
  const two = [
    { ...status, wrongClocks },
    { ...status, profile: "other", wrongClocks },
  ];
  expect(
    describeStatuses(two, new Date()).match(/The clock of gpu-7 is 86,400 s behind the database's\./g),
  ).toHaveLength(1);
});
