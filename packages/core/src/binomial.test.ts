import { expect, test } from "vitest";
import { failureShareAtMost } from "./binomial.ts";

test("none of n failing leaves 1 - 0.05^(1/n)", () => {
  for (const trials of [1, 30, 200, 100_000]) {
    expect(failureShareAtMost(0, trials)).toBeCloseTo(1 - 0.05 ** (1 / trials), 12);
  }
  expect(failureShareAtMost(0, 200)).toBeCloseTo(0.01487, 5);
});

test("the bound is where so few failures have a probability of one in twenty", () => {
  // qbeta(0.95, k + 1, n - k)
  expect(failureShareAtMost(1, 200)).toBeCloseTo(0.023498, 5);
  expect(failureShareAtMost(5, 200)).toBeCloseTo(0.051843, 5);
  expect(failureShareAtMost(1, 2)).toBeCloseTo(0.974679, 5);
  expect(failureShareAtMost(3, 1_000_000)).toBeCloseTo(7.75364e-6, 10);
  expect(failureShareAtMost(1, 10, 0.99)).toBeCloseTo(0.504353, 5);
});

test("when all fail, all may", () => {
  expect(failureShareAtMost(7, 7)).toBe(1);
});

test("a sample of nothing is refused", () => {
  expect(() => failureShareAtMost(0, 0)).toThrow(RangeError);
  expect(() => failureShareAtMost(3, 2)).toThrow(RangeError);
});
