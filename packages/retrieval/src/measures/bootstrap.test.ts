import fc from "fast-check";
import { expect, test } from "vitest";
import { bootstrapDifference, bootstrapMean, bootstrapRelativeChange } from "./bootstrap.ts";

test("the interval of a share matches the binomial distribution", () => {
  const values = Array.from({ length: 200 }, (_, index) => (index < 120 ? 1 : 0));
  const { mean, low, high } = bootstrapMean(values);
  // Binomial(200, 0.6): 2.5 % of it are below 106.4, 97.5 % below 133.6 of 200 (normal: 0.6 ± 1.96 * sqrt(0.6 * 0.4 / 200)).
  expect(mean).toBe(0.6);
  expect(low).toBeCloseTo(0.532, 2);
  expect(high).toBeCloseTo(0.668, 2);
});

test("a small improvement of every query is significant only when the queries are paired", () => {
  const baseline = Array.from({ length: 100 }, (_, index) => (index % 10) / 10);
  const candidate = baseline.map((value, index) => value + 0.05 + (index % 3) / 100);
  const difference = bootstrapDifference(baseline, candidate);
  expect(difference.mean).toBeCloseTo(0.0599, 10);
  expect(difference.low).toBeGreaterThan(0.05);
  const [before, after] = [bootstrapMean(baseline), bootstrapMean(candidate)];
  expect(before.high).toBeGreaterThan(after.low);
});

test("two systems that differ by chance do not differ significantly", () => {
  const baseline = Array.from({ length: 200 }, (_, index) => Number((index * 7919) % 200 < 100));
  const candidate = Array.from({ length: 200 }, (_, index) => Number((index * 6421) % 200 < 101));
  const { low, high } = bootstrapDifference(baseline, candidate);
  expect(low).toBeLessThan(0);
  expect(high).toBeGreaterThan(0);
});

test("the relative change is that of the means: from 0.2 to 0.3 is 50 %", () => {
  const change = bootstrapRelativeChange([0.1, 0.3, 0.2, 0.2], [0.2, 0.4, 0.3, 0.3]);
  expect(change?.mean).toBeCloseTo(0.5, 12);
  expect(change?.low).toBeGreaterThan(0.3);
  expect(change?.high).toBeLessThan(0.9);
});

test("a baseline of zero has no relative change", () => {
  expect(bootstrapRelativeChange([0, 0], [1, 0])).toBeUndefined();
});

test("a baseline that found one answer in a hundred leaves the upper bound of the change open", () => {
  const baseline = Array.from({ length: 100 }, (_, index) => (index === 0 ? 1 : 0));
  const change = bootstrapRelativeChange(
    baseline,
    baseline.map(() => 1),
  );
  expect(change).toMatchObject({ mean: 99, high: Number.POSITIVE_INFINITY });
});

test("the same seed gives the same interval, and another one nearly the same", () => {
  const values = Array.from({ length: 150 }, (_, index) => Math.sin(index) ** 2);
  expect(bootstrapMean(values, { seed: 7 })).toEqual(bootstrapMean(values, { seed: 7 }));
  expect(bootstrapMean(values, { seed: 7 }).low).toBeCloseTo(bootstrapMean(values, { seed: 8 }).low, 2);
});

test("no values, and values that cannot be paired, are refused", () => {
  expect(() => bootstrapMean([])).toThrow("nothing to resample");
  expect(() => bootstrapDifference([1, 2], [1])).toThrow("2 values cannot be paired with 1");
});

test("the interval of any values is within their range, and that of a single value is the value", () => {
  const anyValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(anyValues, (values) => {
      const { low, high } = bootstrapMean(values, { resamples: 200 });
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
      expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
    }),
  );
  expect(bootstrapMean([0.25])).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
});

test("ten thousand resamples of 250 queries take a fraction of a second", () => {
  const values = Array.from({ length: 250 }, (_, index) => index / 250);
  const before = process.cpuUsage();
  for (let round = 0; round < 10; round++) bootstrapDifference(values, values.toReversed());
  // CPU time of this process alone, so that other load on the machine does not count.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(10_000);
});
