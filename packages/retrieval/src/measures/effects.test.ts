import fc from "fast-check";
import { expect, test } from "vitest";
import { bootstrapDifference } from "./bootstrap.ts";
import { splitDifference } from "./effects.ts";

const queries = [0, 0.1, 0.2, 0.3];
const raised = (by: number) => queries.map((value) => value + by);

test("the gain of the model is separated from the gain of the chunks", () => {
  const { model, chunking, interaction } = splitDifference({
    baseline: queries,
    baselineModel: raised(0.1),
    candidateModel: raised(0.3),
    candidate: raised(0.4),
  });
  expect(model.mean).toBeCloseTo(0.3, 12);
  expect(chunking.mean).toBeCloseTo(0.1, 12);
  expect(interaction.mean).toBeCloseTo(0, 12);
  expect([model.low, model.high]).toEqual([expect.closeTo(0.3, 12), expect.closeTo(0.3, 12)]);
});

test("a model that gains only on large chunks shows as an interaction", () => {
  const effects = splitDifference({
    baseline: queries,
    baselineModel: queries,
    candidateModel: queries,
    candidate: raised(0.4),
  });
  expect(effects).toMatchObject({
    model: { mean: expect.closeTo(0.2, 12) },
    chunking: { mean: expect.closeTo(0.2, 12) },
    interaction: { mean: expect.closeTo(0.4, 12) },
  });
});

test("the two effects add up to the whole difference, for any values", () => {
  const cell = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(cell, cell, cell, cell, (baseline, baselineModel, candidateModel, candidate) => {
      const { model, chunking } = splitDifference({ baseline, baselineModel, candidateModel, candidate });
      expect(model.mean + chunking.mean).toBeCloseTo(bootstrapDifference(baseline, candidate).mean, 10);
    }),
    { numRuns: 20 },
  );
});

test("cells with values of different queries are refused", () => {
  const cells = { baseline: queries, baselineModel: queries, candidateModel: queries.slice(1), candidate: queries };
  expect(() => splitDifference(cells)).toThrow(RangeError);
});
