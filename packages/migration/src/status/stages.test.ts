import type { RolloutStage } from "@reembed/core";
import { describe, expect, test } from "vitest";
import { describeStages } from "./describe-stages.ts";
import type { StageFacts } from "./stage.ts";
import { deriveStages } from "./stages.ts";

const at = new Date("2026-03-01T12:00:00Z");
const coverage = { chunks: 100, embedded: 100, pending: 0, changes: 0, outdated: 0, quarantined: 0, coverage: 1 };
const ready = {
  ...{
    ...coverage,
    oldestChangeSeconds: null,
    state: "backfilled",
    asIs: false,
    paused: false,
    workers: 1,
    reasons: [],
  },
  ...{ index: null, verification: null },
};
const unproven = [
  { proof: "verification", says: "new was never verified: run reembed verify." },
  { proof: "evaluation", says: "new was never evaluated against old." },
] as const;
const gap = { proof: "coverage", says: "new has vectors of 46.4 % of its chunks; it needs 99.9 %." } as const;
const rollout = {
  baseline: "old",
  candidate: "new",
  stage: "baseline",
  percent: 0,
  shadowPercent: 0,
  salt: "",
  version: 1,
} as const;

function change(toStage: RolloutStage, reason = "a try"): StageFacts["events"][number] {
  const from = { fromStage: "baseline", fromPercent: 0 } as const;
  return {
    id: 1,
    changedAt: at,
    changedAs: null,
    changedBy: "anna",
    ...from,
    toStage,
    toPercent: 0,
    reason,
    overruled: {},
    baselineWindow: null,
  };
}

/** A migration whose candidate is complete and has no proof yet, with differences. */
function stagesOf({ evidence, ...facts }: Partial<Omit<StageFacts, "evidence">> & { evidence?: object } = {}) {
  return deriveStages({
    ...{
      rollout,
      objections: unproven,
      chunks: "kept",
      chunking: "1500-150",
      events: [],
      waits: [],
      handedOver: false,
    },
    milestones: { corpus: at, firstVector: at, backfilled: at },
    ...facts,
    evidence: {
      baseline: { ...ready, profile: "old" },
      candidate: { ...ready, profile: "new" },
      ...{ evaluation: undefined, shadowed: 0 },
      ...evidence,
    },
  });
}

const none = { ...coverage, chunks: 0, embedded: 0, state: "registered" };
const candidate = (differences: object) => ({ candidate: { ...ready, profile: "new", ...differences } });

describe("a migration is", () => {
  test.for<[stage: string | null, next: string | null, command: string | null, facts: Parameters<typeof stagesOf>[0]]>([
    [
      null,
      "adopted",
      "reembed adopt",
      { evidence: { baseline: { ...ready, ...none, profile: "old" }, ...candidate(none) } },
    ],
    ["adopted", "cut", "reembed rechunk", { chunks: "uncut", evidence: candidate(none) }],
    ["adopted", "embedding", "reembed backfill start", { evidence: candidate({ ...none, chunks: 100 }) }],
    [
      "cut",
      "embedding",
      "reembed backfill resume",
      { chunks: "cut", evidence: candidate({ embedded: 0, state: "backfilling", paused: true }) },
    ],
    ["embedding", "indexed", null, { objections: [gap, ...unproven], evidence: candidate({ state: "backfilling" }) }],
    [
      "embedding",
      "indexed",
      "reembed worker --profile new",
      { objections: [gap], evidence: candidate({ workers: 0 }) },
    ],
    ["embedding", "indexed", "reembed index build", { objections: [{ proof: "index", says: "None." }] }],
    ["embedding", "verified", "reembed verify", {}],
    ["verified", "judged", "reembed evaluate", { objections: [unproven[1]] }],
    [
      "verified",
      "judged",
      "reembed rollout shadow 100",
      { objections: [unproven[1]], evidence: { evaluation: { verdict: "unjudged", evaluatedAt: at } } },
    ],
    ["judged", "shadow", "reembed rollout shadow 20", { objections: [] }],
    [
      "shadow",
      "canary",
      'reembed rollout set 10 --reason "first people"',
      { objections: [], rollout: { ...rollout, stage: "shadow" } },
    ],
    [
      "canary",
      "full",
      'reembed rollout set 50 --reason "50 % of people"',
      { objections: [], rollout: { ...rollout, stage: "canary", percent: 10 } },
    ],
    ["full", "finalized", "reembed finalize", { objections: [], rollout: { ...rollout, stage: "full", percent: 100 } }],
    [
      "full",
      null,
      "reembed uninstall",
      { objections: [], rollout: { ...rollout, stage: "full", percent: 100 }, handedOver: true },
    ],
    [
      "finalized",
      null,
      "reembed finalize --hand-over",
      {
        objections: [],
        rollout: { ...rollout, stage: "full", percent: 100 },
        evidence: { baseline: { ...ready, ...none, state: "retired", profile: "old" } },
      },
    ],
  ])("%s, and next %s by %s", ([stage, next, command, facts]) => {
    const stages = stagesOf(facts);
    expect({ stage: stages.stage, next: stages.next.stage, command: stages.next.command }).toEqual({
      stage,
      next,
      command,
    });
  });
});

test("what is missing is told in the guard's own words", () => {
  const stages = stagesOf({ objections: [gap, ...unproven], evidence: candidate({ state: "backfilling" }) });
  expect(describeStages(stages, new Date("2026-03-01T12:10:00Z"))).toEqual({
    is: "The migration from old to new is embedding, for 10 min.",
    next: ["The next stage is indexed.", gap.says],
  });
});

test("a greater share without a proof shows that the proof is missing, and what needs it", () => {
  const overruled = stagesOf({ rollout: { ...rollout, stage: "canary", percent: 10 }, events: [change("canary")] });
  expect(Object.fromEntries(overruled.stages.map(({ name, state }) => [name, state]))).toEqual({
    ...{
      adopted: "done",
      cut: "needless",
      embedding: "done",
      indexed: "needless",
      verified: "missing",
      judged: "missing",
    },
    ...{ shadow: "needless", canary: "current", full: "ahead", finalized: "ahead" },
  });
  expect(overruled.since).toBe(at.toISOString());
  expect(overruled.next).toMatchObject({ missing: unproven.map(({ says }) => says), command: "reembed verify" });
});

test("after a rollback the migration is where its proofs are, with who went back and why", () => {
  const events = [change("rolled back", "10 % failed"), change("canary")];
  const stages = stagesOf({ objections: [], rollout: { ...rollout, stage: "rolled back" }, events });
  expect(stages).toMatchObject({ stage: "judged", rolledBack: { by: "anna", reason: "10 % failed" } });
  expect(describeStages(stages, at).next[0]).toBe("It was rolled back by anna: 10 % failed.");
});
