import {
  encoderShape,
  largestDifference,
  leastCosine,
  randomText,
  randomWeights,
  runAlone,
  testGraphs,
} from "@reembed/testing/encoders";
import { expect, test } from "vitest";
import type { EncoderShape } from "./encoder-shape.ts";

const weights = randomWeights();
/** Texts of different lengths in no order, with one of a single token. */
const texts = [12, 1, 40, 7, 40, 33].map(randomText);
const widened = { dense: { module: "2_Dense", activation: "tanh" }, dimensions: 96 } as const;

test.each<{ what: string; changes: Partial<EncoderShape> }>([
  { what: "CLS pooling", changes: { pooling: "cls" } },
  { what: "mean pooling", changes: { pooling: "mean" } },
  { what: "a dense layer", changes: { pooling: "cls", ...widened } },
  { what: "one layer", changes: { layers: 1 } },
  { what: "BERT's positions and two token types", changes: { positionOffset: 0, tokenTypes: 2, pooling: "mean" } },
])("texts of any lengths share a packed run, with the vectors that each has alone: $what", async ({ changes }) => {
  const shape = encoderShape(changes);
  const encoder = { shape, weights, dense: shape.dense && weights };
  await using graphs = await testGraphs();
  const expected = await runAlone(await graphs.plain(encoder), texts);
  const run = await graphs.packed({ ...encoder, elementType: "float32" });
  const together = await run(texts);
  for (const vector of together) expect(vector).toHaveLength(shape.dimensions);
  expect(leastCosine(together, expected)).toBeGreaterThan(0.99999);
  expect(largestDifference(together, await runAlone(run, texts))).toBeLessThan(1e-5);
  // Different texts must have different vectors, otherwise the agreement above means nothing.
  expect(leastCosine(together.slice(1), expected.slice(0, -1))).toBeLessThan(0.9);
});
