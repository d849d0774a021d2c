import { expect, test } from "vitest";
import { failureShareAtMost } from "./binomial.ts";

test("without a failure among n the bound is 1 - 0.05^(1/n)", () => {
  for (const trials of [1, 30, 200, 100_000]) {
    expect(failureShareAtMost(0, trials)).toBeCloseTo(1 - 0.05 ** (1 / trials), 12);
  }
  expect(failureShareAtMost(0, 200)).toBeCloseTo(0.01487, 5);
});

test("at the bound, this few failures have a probability of 5 %", () => {
  // qbeta(0.95, k + 1, n - k)
  expect(failureShareAtMost(1, 200)).toBeCloseTo(0.023498, 5);
  expect(failureShareAtMost(5, 200)).toBeCloseTo(0.051843, 5);
  expect(failureShareAtMost(1, 2)).toBeCloseTo(0.974679, 5);
  expect(failureShareAtMost(3, 1_000_000)).toBeCloseTo(7.75364e-6, 10);
  expect(failureShareAtMost(1, 10, 0.99)).toBeCloseTo(0.504353, 5);
});

test("if all of a sample fail, the bound is 1", () => {
  expect(failureShareAtMost(7, 7)).toBe(1);
});

test("an empty sample is refused", () => {
  expect(() => failureShareAtMost(0, 0)).toThrow(RangeError);
  expect(() => failureShareAtMost(3, 2)).toThrow(RangeError);
});
