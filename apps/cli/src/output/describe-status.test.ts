import type { ProfileStatus } from "@reembed/migration/status";
import { expect, test } from "vitest";
import { describeStatuses } from "./describe-status.ts";

const status: ProfileStatus = {
  ...{
    profile: "m3",
    state: "backfilled",
    paused: false,
    throttleReason: null,
    queueLimits: null,
    oldestChangeSeconds: null,
  },
  ...{ chunks: 9, embedded: 9, pending: 0, changes: 0, quarantined: 0, outdated: 0, coverage: 1, etaSeconds: null },
  backfill: { order: "id", until: null, rate: null },
  queue: { waiting: 0, active: 0, delayed: 0, failed: 0 },
  rate: { chunksPerSecond: 0, tokensPerSecond: 0 },
  ...{ forecast: null, verification: null, index: null, wrongClocks: [] },
  workers: [{ id: "w", host: "h", device: "cpu", profile: "m3", tokensPerSecond: 0 }],
};
const notes = (changed: Partial<ProfileStatus>, tickLimits?: string) =>
  describeStatuses([{ ...status, ...changed }], new Date(), tickLimits).split("\n\n")[1];

test("a paused queue is named, and so is a paused producer queue", () => {
  expect(notes({})).toBeUndefined();
  expect(notes({ queueLimits: "The queue is paused." })).toBe("m3: The queue is paused.");
  expect(notes({}, "The queue is paused.")).toBe("producer: The queue is paused. No ticks are made.");
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
