import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findTokenBudget, type MicroBatch, packEqualLengths, packMicroBatches, packTokens } from "./micro-batches.ts";

const anyLengths = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 200 });
const anyBudget = fc.integer({ min: 1, max: 2_000 });

describe("for any texts and budget, without padding", () => {
  const forAnyPacked = (check: (lengths: number[], packed: MicroBatch[], budget: number) => void) =>
    forAny(check, packTokens);

  test("every text is in exactly one micro-batch, the longest first", () => {
    forAnyPacked((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      const sorted = [...lengths.keys()].sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
      expect(indexes).toEqual(sorted);
    });
  });

  test("a micro-batch stays within the budget, or is a single text", () => {
    forAnyPacked((lengths, packed, budget) => {
      for (const { indexes } of packed) {
        const tokens = indexes.reduce((sum, index) => sum + (lengths[index] ?? 0), 0);
        if (indexes.length > 1) expect(tokens).toBeLessThanOrEqual(budget);
      }
    });
  });
});

test("tokens are spread evenly over as few micro-batches as the budget allows", () => {
  const sizes = packTokens(Array(64).fill(360), 16_384).map(({ indexes }) => indexes.length);
  expect(sizes).toEqual([32, 32]);
});

describe("for any texts and budget", () => {
  test("every text is in exactly one micro-batch", () => {
    forAny((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      expect(indexes.sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    });
  });

  test("a micro-batch is padded to its longest text and stays within the budget, or is a single text", () => {
    forAny((lengths, packed, tokenBudget) => {
      for (const { indexes, length } of packed) {
        expect(length).toBe(Math.max(...indexes.map((index) => lengths[index] ?? 0)));
        if (indexes.length > 1) expect(indexes.length * length).toBeLessThanOrEqual(tokenBudget);
      }
    });
  });

  test("the longest come first, and texts of the same length keep their order", () => {
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

test("a text longer than the budget runs alone, and the others are packed as usual", () => {
  expect(packMicroBatches([3, 900, 4, 4], 8)).toEqual([
    { indexes: [1], length: 900 },
    { indexes: [2, 3], length: 4 },
    { indexes: [0], length: 3 },
  ]);
});

test("6 % of a typical batch is padding, against 17 % in groups of eight in the order of arrival", () => {
  // Most chunks are cut at the size; each document's last one is shorter.
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

describe("of equal lengths, for any texts and budget", () => {
  test("every text is in exactly one micro-batch", () => {
    forAny((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      expect(indexes.sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    }, packEqualLengths);
  });

  test("nothing is padded", () => {
    forAny((lengths, packed) => {
      for (const { indexes, length } of packed) {
        expect(new Set(indexes.map((index) => lengths[index]))).toEqual(new Set([length]));
      }
    }, packEqualLengths);
  });

  test("a micro-batch stays within the budget, or is a single text; only the last one of a length has room for another text", () => {
    forAny((_, packed, tokenBudget) => {
      for (const [place, { indexes, length }] of packed.entries()) {
        if (indexes.length > 1) expect(indexes.length * length).toBeLessThanOrEqual(tokenBudget);
        if (packed[place + 1]?.length === length) expect((indexes.length + 1) * length).toBeGreaterThan(tokenBudget);
      }
    }, packEqualLengths);
  });

  test("the longest come first, and texts of the same length keep their order", () => {
    forAny((lengths, packed) => {
      const indexes = packed.flatMap((microBatch) => microBatch.indexes);
      const sorted = indexes.toSorted((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
      expect(indexes).toEqual(sorted);
    }, packEqualLengths);
  });
});

describe("the token budget of a device", () => {
  test("is where doubling the tokens no longer raises the throughput", async () => {
    // A run costs 50 ms, and each token 0.1 ms until 8,192 of them occupy the device, and 0.2 ms from there on.
    const tried: number[] = [];
    const measure = async (tokens: number) => {
      tried.push(tokens);
      return tokens / (0.05 + Math.max(tokens * 1e-4, tokens * 2e-4 - 0.8192));
    };
    expect(await findTokenBudget(measure)).toBe(8_192);
    expect(tried).toEqual([1_024, 2_048, 4_096, 8_192, 16_384]);
  });

  test("is the largest that fits into memory", async () => {
    expect(await findTokenBudget(async (tokens) => (tokens > 30_000 ? undefined : tokens))).toBe(16_384);
  });

  test("is the smallest that is tried if not even that fits into memory", async () => {
    const tried: number[] = [];
    const measure = async (tokens: number) => {
      tried.push(tokens);
      return undefined;
    };
    expect(await findTokenBudget(measure)).toBe(1_024);
    expect(tried).toEqual([1_024]);
  });

  test("ends at half a million tokens however fast the device is", async () => {
    expect(await findTokenBudget(async (tokens) => tokens)).toBe(524_288);
  });

  test("is not guessed when a run fails for another reason", async () => {
    await expect(findTokenBudget(() => Promise.reject(new Error("The device is gone")))).rejects.toThrow("gone");
  });
});

function forAny(
  check: (lengths: number[], packed: MicroBatch[], tokenBudget: number) => void,
  pack = packMicroBatches,
): void {
  fc.assert(
    fc.property(anyLengths, anyBudget, (lengths, tokenBudget) => {
      check(lengths, pack(lengths, tokenBudget), tokenBudget);
    }),
    { numRuns: 300 },
  );
}

function paddingShare(lengths: readonly number[], packed: readonly MicroBatch[]): number {
  const padded = packed.reduce((sum, { indexes, length }) => sum + indexes.length * length, 0);
  return 1 - lengths.reduce((sum, length) => sum + length, 0) / padded;
}
