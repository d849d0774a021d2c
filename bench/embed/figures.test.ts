import { expect, test } from "vitest";
import { workOf } from "./encoder-work.ts";
import { leastCosine, median, refuseEmptyFigures } from "./figures.ts";
import { paddingOf } from "./pipeline-side.ts";

test("a median is the middle value, or the mean of the two middle values", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
});

test("the least cosine is NaN if a vector is missing or contains NaN", () => {
  const vector = new Float32Array([0.6, 0.8]);
  expect(leastCosine([vector], [vector])).toBeCloseTo(1);
  expect(leastCosine([vector], [vector, vector])).toBeNaN();
  expect(leastCosine([vector, new Float32Array([Number.NaN, 0])], [vector, vector])).toBeNaN();
});

test("a figure that is zero or not a number is refused at any depth", () => {
  expect(() => refuseEmptyFigures({ sides: { int8: { tokensPerSecond: 0 } } })).toThrow("tokensPerSecond is 0");
  expect(() => refuseEmptyFigures({ ratio: Number.NaN })).toThrow("ratio is NaN");
  expect(() => refuseEmptyFigures({ ratio: 6, padding: 0, peakRssMiB: null }, ["padding"])).not.toThrow();
});

test("padding is counted per batch, including the shorter last one", () => {
  expect(paddingOf([10, 4, 7, 7, 3], 2)).toBe(6);
  expect(paddingOf([10, 4, 7], 1)).toBe(0);
});

test("a token of BGE-M3 takes 604 million operations, and attention grows with the square of the length", () => {
  const shape = { layers: 24, hidden: 1024, intermediate: 4096 } as Parameters<typeof workOf>[0];
  expect(workOf(shape, [1]).linear / 1e6).toBeCloseTo(604, 0);
  expect(workOf(shape, [1_000]).attention).toBe(4 * workOf(shape, [500]).attention);
});
