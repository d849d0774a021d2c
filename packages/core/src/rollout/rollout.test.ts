import { expect, test } from "vitest";
import { type Rollout, rolledBack, rolloutBuckets, servingProfile, withPercent, withShadow } from "./rollout.ts";

const begun: Rollout = {
  baseline: "old",
  candidate: "new",
  stage: "baseline",
  percent: 0,
  shadowPercent: 0,
  salt: "s",
  version: 1,
};
const buckets = Array.from({ length: rolloutBuckets }, (_, bucket) => bucket);
const served = (percent: number) => buckets.filter((bucket) => servingProfile({ ...begun, percent }, bucket) === "new");

test("a subject that the candidate answers stays with it while its share grows", () => {
  const shares = [0, 0.01, 0.07, 1, 10, 50, 99.99, 100].map(served);
  for (const [index, smaller] of shares.slice(0, -1).entries()) {
    expect(new Set(smaller).isSubsetOf(new Set(shares[index + 1]))).toBe(true);
  }
});

test.each([
  [0, 0],
  [0.01, 1],
  // 0.07 * 100 is 7.000000000000001, and 1.1 * 100 is 110.00000000000001.
  [0.07, 7],
  [1.1, 110],
  [100, 10_000],
])("a share of %s percent is %i buckets of ten thousand", (percent, count) => {
  expect(served(percent).length).toBe(count);
});

test("the stage follows from the shares, and at 100 % no request is left to shadow", () => {
  const shadowed = withShadow(begun, 20);
  expect(shadowed).toMatchObject({ stage: "shadow", percent: 0, shadowPercent: 20 });
  expect(withShadow(shadowed, 0).stage).toBe("baseline");
  const canary = withPercent(shadowed, 10);
  expect(canary).toMatchObject({ stage: "canary", shadowPercent: 20 });
  expect(withPercent(canary, 0).stage).toBe("shadow");
  expect(withPercent(canary, 100)).toMatchObject({ stage: "full", shadowPercent: 0 });
  expect(() => withShadow(withPercent(canary, 100), 5)).toThrow(/new serves everybody/);
  expect(rolledBack(canary)).toEqual({ ...begun, stage: "rolled back" });
});
