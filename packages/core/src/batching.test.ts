import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MicroBatch, packMicroBatches } from "./batching.ts";

const anyLengths = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 200 });
const anyBudget = fc.integer({ min: 1, max: 2_000 });

describe("for any texts and budget", () => {
  test("every text is in exactly one micro-batch", () => {
    forAny((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      expect(indexes.sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    });
  });

  test("a micro-batch is padded to its longest text and keeps the budget, or is one text", () => {
    forAny((lengths, packed, tokenBudget) => {
      for (const { indexes, length } of packed) {
        expect(length).toBe(Math.max(...indexes.map((index) => lengths[index] ?? 0)));
        if (indexes.length > 1) expect(indexes.length * length).toBeLessThanOrEqual(tokenBudget);
      }
    });
  });

  test("the longest come first, and texts of the same length in their order", () => {
    forAny((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      const sorted = indexes.toSorted((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
      expect(indexes).toEqual(sorted);
    });
  });

  test("no micro-batch has room for the first text of the next", () => {
    forAny((_, packed, tokenBudget) => {
      for (const { indexes, length } of packed.slice(0, -1)) {
        expect((indexes.length + 1) * length).toBeGreaterThan(tokenBudget);
      }
    });
  });
});

test("no text makes no micro-batch", () => {
  expect(packMicroBatches([], 512)).toEqual([]);
});

test("a text longer than the budget runs alone, and the rest is packed as ever", () => {
  expect(packMicroBatches([3, 900, 4, 4], 8)).toEqual([
    { indexes: [1], length: 900 },
    { indexes: [2, 3], length: 4 },
    { indexes: [0], length: 3 },
  ]);
});

test("of a batch of a corpus's chunks 6 % is padding, and in eights as they come it would be 17 %", () => {
  // The lengths of chunks: most are cut at the size, and each document's last one is shorter.
  const lengths = Array.from({ length: 64 }, (_, index) =>
    index % 4 === 3 ? 40 + 7 * index : 420 + ((index * 37) % 90),
  );
  const asTheyCome = Array.from({ length: 8 }, (_, row) => {
    const indexes = Array.from({ length: 8 }, (_, column) => row * 8 + column);
    return { indexes, length: Math.max(...indexes.map((index) => lengths[index] ?? 0)) };
  });
  expect(paddingShare(lengths, packMicroBatches(lengths, 4_096))).toBeLessThan(0.06);
  expect(paddingShare(lengths, asTheyCome)).toBeGreaterThan(0.16);
});

function forAny(check: (lengths: number[], packed: MicroBatch[], tokenBudget: number) => void): void {
  fc.assert(
    fc.property(anyLengths, anyBudget, (lengths, tokenBudget) => {
      check(lengths, packMicroBatches(lengths, tokenBudget), tokenBudget);
    }),
    { numRuns: 300 },
  );
}

function paddingShare(lengths: readonly number[], packed: readonly MicroBatch[]): number {
  const padded = packed.reduce((sum, { indexes, length }) => sum + indexes.length * length, 0);
  return 1 - lengths.reduce((sum, length) => sum + length, 0) / padded;
}
