import { expect, test } from "vitest";
import { workOf } from "./encoder-work.ts";
import { leastCosine, median, refuseEmptyFigures } from "./figures.ts";
import { paddingOf } from "./pipeline-side.ts";

test("a median is the value in the middle, or between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
});

test("a missing vector or a NaN in one makes the least cosine no number", () => {
  const vector = new Float32Array([0.6, 0.8]);
  expect(leastCosine([vector], [vector])).toBeCloseTo(1);
  expect(leastCosine([vector], [vector, vector])).toBeNaN();
  expect(leastCosine([vector, new Float32Array([Number.NaN, 0])], [vector, vector])).toBeNaN();
});

test("a figure that is zero or no number is refused, however deep it lies", () => {
  expect(() => refuseEmptyFigures({ sides: { int8: { tokensPerSecond: 0 } } })).toThrow("tokensPerSecond is 0");
  expect(() => refuseEmptyFigures({ ratio: Number.NaN })).toThrow("ratio is NaN");
  expect(() => refuseEmptyFigures({ ratio: 6, padding: 0, peakRssMiB: null }, ["padding"])).not.toThrow();
});

test("padding is counted in each batch by itself, the last and shorter one too", () => {
  expect(paddingOf([10, 4, 7, 7, 3], 2)).toBe(6);
  expect(paddingOf([10, 4, 7], 1)).toBe(0);
});

test("a token of BGE-M3 costs 604 million operations, and those of attention grow with the square", () => {
  const shape = { layers: 24, hidden: 1024, intermediate: 4096 } as Parameters<typeof workOf>[0];
  expect(workOf(shape, [1]).linear / 1e6).toBeCloseTo(604, 0);
  expect(workOf(shape, [1_000]).attention).toBe(4 * workOf(shape, [500]).attention);
});
