import {
  arithmetics,
  encoderShape,
  largestDifference,
  leastCosine,
  randomText,
  randomWeights,
  runAlone,
  testGraphs,
} from "@reembed/testing/encoders";
import { describe, expect, test } from "vitest";
import type { EncoderShape } from "./encoder-shape.ts";

const weights = randomWeights();
/** Texts of different lengths, with one of a single token and two of the same length. */
const texts = [1, 7, 40, 12, 40, 33].map(randomText);
const dtypes = ["fp32", "fp16", "int8"] as const;
const poolings = ["cls", "mean"] as const;
const leastCosines = { fp32: 0.99999, fp16: 0.999, int8: 0.99 } as const;
const widened = { dense: { module: "2_Dense", activation: "tanh" }, dimensions: 96 } as const;

const outputs = poolings.flatMap((pooling) => [
  { what: `${pooling} pooling`, changes: { pooling } },
  { what: `${pooling} pooling and a dense layer`, changes: { pooling, ...widened } },
]);

describe.each(outputs)("with $what,", ({ changes }) => {
  const shape = encoderShape(changes);
  const encoder = { shape, weights, dense: shape.dense && weights };

  test.each(dtypes)(
    "the graph in %s gives the same vectors as the plain one, with and without a mask",
    async (dtype) => {
      await using graphs = await testGraphs();
      const arithmetic = arithmetics[dtype];
      const expected = await runAlone(await graphs.plain(encoder), texts);
      const unmasked = await runAlone(await graphs.encoder({ ...encoder, arithmetic, masked: false }), texts);
      const masked = await (await graphs.encoder({ ...encoder, arithmetic, masked: true }))(texts);
      for (const vectors of [unmasked, masked]) {
        for (const vector of vectors) expect(vector).toHaveLength(shape.dimensions);
        expect(leastCosine(vectors, expected)).toBeGreaterThan(leastCosines[dtype]);
        // Different texts must have different vectors, otherwise the agreement above means nothing.
        expect(leastCosine(vectors.slice(1), expected.slice(0, -1))).toBeLessThan(0.9);
      }
    },
  );
});

describe.each(dtypes)("in %s a text has the same vector alone as", (dtype) => {
  const arithmetic = arithmetics[dtype];

  test.each(poolings)("among others of its length, pooled by %s", async (pooling) => {
    await using graphs = await testGraphs();
    const run = await graphs.encoder({ shape: encoderShape({ pooling }), weights, arithmetic, masked: false });
    const equal = [1, 2, 3, 4, 5].map((seed) => randomText(24, seed));
    const alone = await runAlone(run, equal);
    expect(largestDifference(await run(equal), alone)).toBeLessThan(1e-6);
    expect(largestDifference((await run(equal.toReversed())).toReversed(), alone)).toBeLessThan(1e-6);
  });

  test.each(poolings)("padded among longer ones, pooled by %s", async (pooling) => {
    await using graphs = await testGraphs();
    const run = await graphs.encoder({ shape: encoderShape({ pooling }), weights, arithmetic, masked: true });
    // A sum in another order may round the other way, by 5e-4, before the last layers average the difference out.
    const bound = dtype === "fp16" ? 2e-5 : 1e-6;
    expect(largestDifference(await run(texts), await runAlone(run, texts))).toBeLessThan(bound);
  });
});

describe("the graph is correct for", () => {
  test.each<{ what: string; changes: Partial<EncoderShape> }>([
    { what: "one layer", changes: { layers: 1 } },
    { what: "twelve layers", changes: { layers: 12 } },
    { what: "BERT, with positions from 0 and two token types", changes: { positionOffset: 0, tokenTypes: 2 } },
    { what: "RoBERTa, whose padding is token 0", changes: { positionOffset: 1 } },
    { what: "a text as long as there are positions", changes: { positions: 40 } },
    {
      what: "a dense layer without an activation",
      changes: { ...widened, dense: { module: "", activation: "identity" } },
    },
  ])("$what", async ({ changes }) => {
    for (const pooling of poolings) {
      const shape = encoderShape({ ...changes, pooling });
      await using graphs = await testGraphs();
      const encoder = { shape, weights, dense: shape.dense && weights };
      const expected = await runAlone(await graphs.plain(encoder), texts);
      const run = await graphs.encoder({ ...encoder, arithmetic: arithmetics.fp32, masked: false });
      expect(leastCosine(await runAlone(run, texts), expected)).toBeGreaterThan(leastCosines.fp32);
    }
  });
});
