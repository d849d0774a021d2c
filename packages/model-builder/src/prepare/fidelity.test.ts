import { describe, expect, test } from "vitest";
import { fidelityOf } from "./fidelity.ts";

/** Vectors on the unit circle, at these angles in degrees. */
function at(...degrees: number[]): Float32Array[] {
  return degrees.map((angle) => Float32Array.of(Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)));
}

describe("the fidelity of vectors", () => {
  test("is 1 for equal vectors", () => {
    const { leastCosine, overlap10 } = fidelityOf(at(0, 30, 90), at(0, 30, 90));
    expect(leastCosine).toBeCloseTo(1, 6);
    expect(overlap10).toBe(1);
  });

  test("is that of the text whose vector has moved furthest", () => {
    expect(fidelityOf(at(0, 30, 90), at(5, 30, 30)).leastCosine).toBeCloseTo(0.5, 6);
  });

  test("includes the share of nearest texts that both agree on, not counting the text itself", () => {
    // Each of 12 texts leaves out the one furthest from it: the first six leave out the last one, the others the first one.
    const degrees = Array.from({ length: 12 }, (_, index) => index * 5);
    // Now all texts leave out the last one, and the last one leaves out its former neighbour.
    expect(fidelityOf(at(...degrees.with(11, -60)), at(...degrees)).overlap10).toBeCloseTo((6 + 6 * 0.9) / 12, 10);
  });

  test("is NaN if a value is NaN or a vector is missing", () => {
    const spoilt = at(0, 30);
    spoilt[1]?.fill(Number.NaN);
    expect(fidelityOf(spoilt, at(0, 30)).leastCosine).toBeNaN();
    expect(fidelityOf(at(0, 30), at(0)).leastCosine).toBeNaN();
  });

  test("is NaN without texts", () => {
    expect(fidelityOf([], []).leastCosine).toBeNaN();
  });
});
