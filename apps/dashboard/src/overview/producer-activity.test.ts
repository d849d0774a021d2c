import { expect, test } from "vitest";
import { describeReport, readProducerActivity } from "./producer-activity.ts";

type Ticks = Parameters<typeof readProducerActivity>[0];
type FakeJob = Record<string, unknown>;

/** A queue whose three reads return these jobs. */
function ticksWith({ completed = [], failed = [], waiting = [] }: Partial<Record<string, FakeJob[]>>): Ticks {
  const bullmq = { getCompleted: async () => completed, getFailed: async () => failed, getJobs: async () => waiting };
  const brakes = { isPaused: async () => false, getGlobalRateLimit: async () => null, getRateLimitTtl: async () => 0 };
  return { bullmq: { ...bullmq, ...brakes } } as unknown as Ticks;
}

test("a tick that has been due for a long time means that no producer is running", async () => {
  const due = (ago: number) => ticksWith({ waiting: [{ timestamp: Date.now() - ago - 5_000, delay: 5_000 }] });
  expect((await readProducerActivity(due(1_000))).overdue).toBe(false);
  expect((await readProducerActivity(due(60_000))).overdue).toBe(true);
  const dayAhead = 86_400_000;
  expect((await readProducerActivity(due(-dayAhead))).overdue).toBe(true);
});

test("a failure is shown until a tick succeeds again", async () => {
  const failed = [{ finishedOn: 2_000, failedReason: "the database is away" }];
  const before = await readProducerActivity(ticksWith({ failed, completed: [{ finishedOn: 1_000, returnvalue: [] }] }));
  expect(before.failure).toBe("the database is away");
  const after = await readProducerActivity(ticksWith({ failed, completed: [{ finishedOn: 3_000, returnvalue: [] }] }));
  expect(after.failure).toBeUndefined();
});

test("a result that is not a list of reports is ignored", async () => {
  const activity = await readProducerActivity(ticksWith({ completed: [{ finishedOn: 1_000, returnvalue: "done" }] }));
  expect(activity.reports).toEqual([]);
});

const nothing = { profile: "mini-m3", changes: 0, backfill: 0, withdrawn: 0, gaps: 0, throttleReason: null };

test("a report says what was enqueued, and leaves out what is zero", () => {
  const report = { ...nothing, backfill: 64, state: "enqueuing" };
  expect(describeReport(report)).toBe("Enqueued 64 chunks of the backfill.");
  expect(describeReport({ ...report, changes: 1 })).toBe("Enqueued 1 change and 64 chunks of the backfill.");
  expect(describeReport({ ...report, changes: 2, backfill: 0 })).toBe("Enqueued 2 changes.");
});

test("a report says why the backfill pauses, and what was removed from the queue for it", () => {
  const throttleReason = "The slowest standby is behind by 42 s, more than MAX_REPLICATION_LAG_SECONDS, 10 s.";
  expect(describeReport({ ...nothing, withdrawn: 64, state: "throttled", throttleReason })).toBe(
    `Removed 64 chunks of the backfill from the queue. Enqueued nothing of the backfill. ${throttleReason}`,
  );
});

test("an unknown state is shown as it is", () => {
  expect(describeReport({ ...nothing, state: "on holiday" })).toBe("on holiday");
});
