import { describe, expect, test } from "vitest";
import { fidelityOf } from "./fidelity.ts";

/** Vectors on the unit circle, at so many degrees. */
function at(...degrees: number[]): Float32Array[] {
  return degrees.map((angle) => Float32Array.of(Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)));
}

describe("the fidelity of vectors", () => {
  test("is 1 of the same ones", () => {
    const { leastCosine, overlap10 } = fidelityOf(at(0, 30, 90), at(0, 30, 90));
    expect(leastCosine).toBeCloseTo(1, 6);
    expect(overlap10).toBe(1);
  });

  test("is that of the text that has moved furthest", () => {
    expect(fidelityOf(at(0, 30, 90), at(5, 30, 30)).leastCosine).toBeCloseTo(0.5, 6);
  });

  test("tells the share of nearest texts that both agree on, of which a text itself is none", () => {
    // Of 12 texts each leaves one out, the furthest: the first six the last one, and the others the first.
    const degrees = Array.from({ length: 12 }, (_, index) => index * 5);
    // Now all leave out the last one, and that one its neighbour.
    expect(fidelityOf(at(...degrees.with(11, -60)), at(...degrees)).overlap10).toBeCloseTo((6 + 6 * 0.9) / 12, 10);
  });

  test("is NaN when a value of one vector is, or when one lacks", () => {
    const spoilt = at(0, 30);
    spoilt[1]?.fill(Number.NaN);
    expect(fidelityOf(spoilt, at(0, 30)).leastCosine).toBeNaN();
    expect(fidelityOf(at(0, 30), at(0)).leastCosine).toBeNaN();
  });

  test("is NaN of no texts at all", () => {
    expect(fidelityOf([], []).leastCosine).toBeNaN();
  });
});
