import { expect, test } from "vitest";
import { randomNumbers } from "../random-numbers.ts";
import {
  findBreaches,
  type GuardrailSettings,
  type GuardWindow,
  latencyRanks,
  measureGuardrails,
} from "./guardrail.ts";

const settings: GuardrailSettings = {
  windowSeconds: 600,
  leastSearches: 200,
  errorMargin: 0.01,
  emptyMargin: 0.05,
  negativeMargin: 0.1,
  p95Ratio: 2,
  p95MarginMs: 250,
};
const latency = { p95: 50, low: 45, high: 60 };
const usual: GuardWindow = { searches: 2_000, errors: 4, empty: 40, latency, judged: 100, negative: 10 };
const measures = (candidate: Partial<GuardWindow>, baseline: Partial<GuardWindow> = {}) =>
  findBreaches(
    measureGuardrails(
      { ...usual, searches: 220, errors: 0, empty: 4, ...candidate },
      { ...usual, ...baseline },
      settings,
    ),
  ).map(({ measure }) => measure);

test.each([
  ["errors", { errors: 22 }],
  ["empty", { empty: 44 }],
  ["negative", { negative: 45 }],
  ["latency", { latency: { p95: 400, low: 350, high: 500 } }],
] as const)("a candidate that is worse in %s breaches", (measure, worse) => {
  expect(measures({})).toEqual([]);
  expect(measures(worse)).toEqual([measure]);
});

test("a difference that may be chance is no breach, nor is one within the margin", () => {
  // 2.7 % against 0.2 % of 220 searches may still be chance.
  expect(measures({ errors: 6 })).toEqual([]);
  expect(measures({ searches: 22_000, errors: 600 })).toEqual(["errors"]);
  // A certain difference that is certainly below the margin.
  expect(measures({ searches: 200_000, errors: 1_800 }, { searches: 200_000, errors: 200 })).toEqual([]);
  // Three times the baseline's latency but only 100 ms more; then 300 ms more but less than twice.
  expect(measures({ latency: { p95: 160, low: 160, high: 160 } })).toEqual([]);
  const slow = { p95: 1_000, low: 1_000, high: 1_000 };
  expect(measures({ latency: { p95: 1_300, low: 1_300, high: 1_300 } }, { latency: slow })).toEqual([]);
});

test("every measure has an interval around what was measured, beside what is allowed", () => {
  const worse = { ...usual, searches: 220, errors: 22, latency: { p95: 400, low: 350, high: 500 } };
  const figures = measureGuardrails(worse, usual, settings);
  expect(figures.map(({ measure, allowed }) => [measure, allowed])).toEqual([
    ["errors", 0.01],
    ["empty", 0.05],
    ["negative", 0.1],
    ["latency", 310],
  ]);
  for (const { low, value, high } of figures) expect(low < value && value < high).toBe(true);
  expect(figures[0]?.value).toBeCloseTo(0.098);
  expect(figures[3]).toMatchObject({ value: 400, low: 350, high: 500 });
});

test("too few searches of either profile are never a breach, however bad they are", () => {
  expect(measures({ searches: 199, errors: 199 })).toEqual([]);
  expect(measures({ errors: 100 }, { searches: 199 })).toEqual([]);
  expect(measures({ judged: 29, negative: 29 })).toEqual([]);
});

test("a candidate that never answers breaches by its errors alone", () => {
  expect(measures({ errors: 220, empty: 0, latency: null, judged: 0, negative: 0 })).toEqual(["errors"]);
});

test("the bounds contain the percentile in at least 99 % of 4,000 samples of two distributions", () => {
  const random = randomNumbers(7);
  for (const [value, truth] of [
    [() => random(), 0.95],
    [() => -Math.log(random()), -Math.log(0.05)],
  ] as const) {
    let missed = 0;
    for (let sample = 0; sample < 2_000; sample++) {
      const times = Float64Array.from({ length: 200 }, value).sort();
      const { low, high } = latencyRanks(times.length);
      if ((times[low - 1] ?? 0) > truth || (times[high - 1] ?? 0) < truth) missed++;
    }
    expect(missed).toBeLessThan(20);
  }
});

test("two equal profiles never breach in a day of checks", () => {
  const random = randomNumbers(11);
  const searches = Array.from({ length: 17_280 }, () => ({
    bad: random() < 0.02,
    empty: random() < 0.1,
    negative: random() < 0.3,
  }));
  const baseline = { ...usual, errors: 40, empty: 196, judged: 500, negative: 150 };
  let breaches = 0;
  // One search and one check every five seconds: the window slides by one search.
  for (let end = 250; end < searches.length; end++) {
    const window = searches.slice(end - 250, end);
    const count = (of: "bad" | "empty" | "negative") => window.filter((search) => search[of]).length;
    const candidate = { ...usual, searches: 250, errors: count("bad"), empty: count("empty"), judged: 250 };
    breaches += findBreaches(
      measureGuardrails({ ...candidate, negative: count("negative") }, baseline, settings),
    ).length;
  }
  expect(breaches).toBe(0);
});
