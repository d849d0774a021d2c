import {
  arithmetics,
  encoderShape,
  leastCosine,
  randomText,
  randomWeights,
  runAlone,
  testGraphs,
} from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import { calibrate } from "../prepare/calibrate.ts";
import { type Smoothing, smoothingFactors } from "./smoothing.ts";

const texts = [1, 7, 40, 12, 40, 33].map(randomText);
const samples = [50, 60, 70].map((tokens, seed) => randomText(tokens, 100 + seed));

interface Comparison {
  pooling: "cls" | "mean";
  outlier: number;
  smoothed: boolean;
}

describe.each(["cls", "mean"] as const)("the factors of a calibration with %s pooling", (pooling) => {
  test("do not change the vectors in fp32", async () => {
    expect(await leastOf("fp32", { pooling, outlier: 100, smoothed: true })).toBeGreaterThan(0.99999);
  });

  test("restore the precision of int8 if a few values are a hundred times as large as the others", async () => {
    const plain = await leastOf("int8", { pooling, outlier: 100, smoothed: false });
    const smoothed = await leastOf("int8", { pooling, outlier: 100, smoothed: true });
    // With weights of 8 bits more than half of the error goes. With 7 bits, on CPUs without VNNI, their own error remains.
    expect(1 - smoothed).toBeLessThan((1 - plain) / 1.5);
  });

  test("cost int8 almost nothing if all values are of similar size", async () => {
    expect(await leastOf("int8", { pooling, outlier: 1, smoothed: true })).toBeGreaterThan(0.999);
  });
});

test("a calibration finds factors for every place whose inputs can be divided", async () => {
  await using graphs = await testGraphs();
  const shape = encoderShape({ layers: 2 });
  const smoothing = await calibrate({ path: graphs.nextPath, shape, weights: randomWeights(), samples });
  const places = ["attention.self", "attention.output", "intermediate"];
  expect([...smoothing.keys()].sort()).toEqual(
    [0, 1].flatMap((layer) => places.map((place) => `encoder.layer.${layer}.${place}`)).sort(),
  );
  for (const factors of smoothing.values()) expect(factors).toHaveLength(shape.hidden);
});

test("a factor is the square root of the input's size over that of its weights, and 1 if either is 0", () => {
  const inputs = Float32Array.of(100, 1, 0, 5, Number.POSITIVE_INFINITY);
  const weights = Float32Array.of(4, 16, 2, 0, 1);
  expect([...smoothingFactors(inputs, weights)]).toEqual([5, 0.25, 1, 1, 1]);
});

/** The least cosine similarity to the vectors of the plain graph. */
async function leastOf(dtype: "fp32" | "int8", { pooling, outlier, smoothed }: Comparison): Promise<number> {
  await using graphs = await testGraphs();
  const encoder = { shape: encoderShape({ layers: 3, pooling }), weights: randomWeights({ outlier }) };
  const expected = await runAlone(await graphs.plain(encoder), texts);
  const smoothing: Smoothing = smoothed ? await calibrate({ ...encoder, path: graphs.nextPath, samples }) : new Map();
  const run = await graphs.encoder({ ...encoder, arithmetic: arithmetics[dtype], masked: false, smoothing });
  return leastCosine(await runAlone(run, texts), expected);
}
