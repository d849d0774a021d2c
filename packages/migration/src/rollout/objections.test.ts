import { expect, test } from "vitest";
import { type Evidence, findObjections } from "./objections.ts";
import type { Readiness } from "./readiness.ts";

const ready = {
  ...{
    profile: "new",
    state: "backfilled",
    paused: false,
    chunks: 1_000_000,
    embedded: 1_000_000,
    asIs: false,
    pending: 0,
    changes: 0,
    outdated: 0,
  },
  ...{ oldestChangeSeconds: null, quarantined: 0, coverage: 1, workers: 1, reasons: [] },
  verification: { passed: true, at: new Date() },
  index: {
    kind: "hnsw",
    valid: true,
    measured: true,
    recall10: 0.99,
    targetRecall: 0.98,
    measuredAt: "2026-01-01T00:00:00Z",
    sizeBytes: 1,
  } as const,
};
const evidence: Evidence = {
  baseline: { ...ready, profile: "old", index: null, verification: null },
  candidate: ready,
  evaluation: { verdict: "better", evaluatedAt: new Date() },
  shadowed: 0,
};
const fleet = { embedded: false, maxQuarantinedShare: 0.01, leastSearches: 200 };

test("a baseline that was adopted as it is needs no vectors, and an evaluation against it must be overruled", () => {
  const baseline = { ...evidence.baseline, asIs: true, embedded: 10, coverage: 0 };
  expect(objectionsTo({}, { baseline, evaluation: undefined })).toEqual([
    expect.stringMatching(/^evaluation: old was adopted as it is, without a model, so nothing can be compared with it/),
  ]);
});

/** The objections to a candidate that differs from `ready`. */
function objectionsTo(candidate: Partial<Readiness>, changed: Partial<Evidence> = {}, options = fleet): string[] {
  const all = { ...evidence, ...changed, candidate: { ...ready, ...candidate } };
  return findObjections(all, options).map(({ proof, says }) => `${proof}: ${says}`);
}

test("each proof that is missing or has failed gives an objection with its name and a sentence", () => {
  expect(objectionsTo({})).toEqual([]);
  const uncovered = { embedded: 998_900, pending: 1_100 };
  expect(objectionsTo(uncovered)).toEqual(["coverage: new has vectors of 99.8 % of its chunks; it needs 99.9 %."]);
  const without = [
    null,
    { ...ready.index, valid: false },
    { kind: "hnsw", valid: true, sizeBytes: 1, measured: false } as const,
  ];
  for (const index of without) {
    expect(objectionsTo({ index })).toEqual([expect.stringMatching(/^index: .* no ANN index/)]);
    expect(objectionsTo({ index, chunks: 20_000, embedded: 20_000 })).toEqual([]);
    expect(objectionsTo({ index }, {}, { ...fleet, embedded: true })).toEqual([]);
  }
  expect(objectionsTo({ index: { ...ready.index, recall10: 0.9 } })).toEqual([
    expect.stringMatching(/^index: .* 0\.9 of/),
  ]);
  expect(objectionsTo({ verification: null })).toEqual([
    expect.stringMatching(/^verification: new was never verified/),
  ]);
  const failed = { passed: false, at: new Date() };
  expect(objectionsTo({ verification: failed })).toEqual([
    expect.stringMatching(/^verification: The last .* of new failed/),
  ]);
  expect(objectionsTo({ state: "registered", chunks: 0, embedded: 0 })).toEqual([
    "coverage: new has no chunks; it needs 99.9 %.",
  ]);
});

test("the checks require an evaluation or enough shadowed searches, and a baseline that can take over again", () => {
  const evaluatedAt = new Date();
  for (const evaluation of [undefined, { verdict: "unjudged" as const, evaluatedAt }]) {
    const lacks =
      evaluation === undefined
        ? "new was never evaluated against old"
        : "The last evaluation of new had no judgements, so it proves nothing";
    expect(objectionsTo({}, { evaluation, shadowed: 199 })).toEqual([
      expect.stringContaining(`evaluation: ${lacks}, and it answered 199 searches in shadow, but needs 200: `),
    ]);
    expect(objectionsTo({}, { evaluation, shadowed: 200 })).toEqual([]);
  }
  const worse = { evaluation: { verdict: "worse" as const, evaluatedAt }, shadowed: 9_999 };
  expect(objectionsTo({}, worse)).toEqual([expect.stringMatching(/^evaluation: .* worse/)]);
  const baseline = { ...evidence.baseline, embedded: 0, pending: 1_000_000 };
  expect(objectionsTo({}, { baseline })).toEqual([
    "baseline: old has vectors of 0.0 % of its chunks; a rollback needs them.",
  ]);
  expect(objectionsTo({}, { baseline: { ...baseline, state: "retired" } })).toEqual([]);
});

test("a healthy corpus passes the checks: with blank chunks in quarantine, and with pending changes", () => {
  const reasons = [{ reason: "empty_text", chunks: 2_000 }];
  expect(objectionsTo({ embedded: 998_000, quarantined: 2_000, coverage: 0.998, reasons })).toEqual([]);
  const many = { embedded: 989_000, quarantined: 11_000, reasons: [{ reason: "empty_text", chunks: 11_000 }] };
  expect(objectionsTo(many)).toEqual([
    "quarantine: 1.1 % of the chunks of new are in quarantine (empty_text 11,000); MAX_QUARANTINED_SHARE allows 1.0 %: see reembed quarantine list.",
  ]);
  expect(objectionsTo(many, {}, { ...fleet, maxQuarantinedShare: 0.02 })).toEqual([]);
  const edited = { embedded: 900_000, pending: 100_000, changes: 100_000, outdated: 100_000, oldestChangeSeconds: 30 };
  expect(objectionsTo(edited)).toEqual([]);
  expect(objectionsTo({ ...edited, oldestChangeSeconds: 3_600 })).toEqual([
    "coverage: new has vectors of 90.0 % of its chunks; it needs 99.9 %. 100,000 changes wait, the oldest for 60 min.",
  ]);
  // New chunks cannot be found until they are embedded, however recent they are.
  expect(objectionsTo({ ...edited, outdated: 0 })).toEqual([expect.stringMatching(/^coverage: /)]);
  expect(objectionsTo({ ...edited, embedded: 995_000, changes: 5_000, outdated: 0 })).toEqual([]);
});
