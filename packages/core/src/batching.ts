/** The inputs of one model run: indexes into the texts that were given, and the length they are padded to. */
export interface MicroBatch {
  indexes: number[];
  /** Tokens of the longest input. */
  length: number;
}

/**
 * Groups texts into micro-batches of at most `tokenBudget` tokens, padding included. Sorting by length first keeps
 * neighbours alike, so little is padded; a text longer than the budget runs alone. Longest first: memory peaks with
 * the first run and not in the middle of a job.
 */
export function packMicroBatches(lengths: readonly number[], tokenBudget: number): MicroBatch[] {
  const packed: MicroBatch[] = [];
  let current: MicroBatch | undefined;
  for (const index of longestFirst(lengths)) {
    if (current === undefined || (current.indexes.length + 1) * current.length > tokenBudget) {
      current = { indexes: [], length: at(lengths, index) };
      packed.push(current);
    }
    current.indexes.push(index);
  }
  return packed;
}

/**
 * Groups texts of one length into micro-batches of at most `tokenBudget` tokens, so that nothing is padded: on a CPU a
 * run's time follows its tokens, and padding costs as much as text. Longest first.
 */
export function packEqualLengths(lengths: readonly number[], tokenBudget: number): MicroBatch[] {
  const byLength = Map.groupBy(lengths.keys(), (index) => at(lengths, index));
  const longestFirst = [...byLength].sort(([a], [b]) => b - a);
  return longestFirst.flatMap(([length, indexes]) => {
    const texts = Math.max(1, Math.floor(tokenBudget / length));
    const groups = Math.ceil(indexes.length / texts);
    return Array.from({ length: groups }, (_, group) => ({
      indexes: indexes.slice(group * texts, (group + 1) * texts),
      length,
    }));
  });
}

/**
 * Groups texts into micro-batches of at most `tokenBudget` tokens, where texts of any lengths share a run without
 * padding: as few as the budget allows, of about as many tokens each, since a device computes two middling runs faster
 * than a large and a small one. Longest first; a text longer than the budget runs alone.
 */
export function packTokens(lengths: readonly number[], tokenBudget: number): MicroBatch[] {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const fair = Math.ceil(tokens / Math.ceil(tokens / tokenBudget));
  const packed: MicroBatch[] = [];
  let current: MicroBatch | undefined;
  let filled = 0;
  for (const index of longestFirst(lengths)) {
    const length = at(lengths, index);
    if (current === undefined || filled >= fair || filled + length > tokenBudget) {
      current = { indexes: [], length };
      packed.push(current);
      filled = 0;
    }
    current.indexes.push(index);
    filled += length;
  }
  return packed;
}

/** From which budget on a device is tried, and up to which: 4 of BGE-M3's longest texts fill 32,768 tokens. */
const leastBudget = 1_024;
const mostBudget = 1 << 19;
/** Of twice the tokens in a run; less than this is not worth their memory. */
const worthwhileGain = 1.03;

/**
 * Finds how many tokens a device computes best in one run: doubles them until the throughput stops rising or its memory
 * ends.
 * @param measure Runs so many tokens and returns the tokens per second, or undefined when there is no memory for them.
 * @returns The least budget that is tried, when the device has no memory for more.
 */
export async function findTokenBudget(measure: (tokens: number) => Promise<number | undefined>): Promise<number> {
  let best = leastBudget;
  let bestRate = await measure(best);
  while (bestRate !== undefined && best < mostBudget) {
    const rate = await measure(best * 2);
    if (rate === undefined || rate < bestRate * worthwhileGain) break;
    best *= 2;
    bestRate = rate;
  }
  return best;
}

function longestFirst(lengths: readonly number[]): number[] {
  return lengths.map((_, index) => index).sort((a, b) => at(lengths, b) - at(lengths, a) || a - b);
}

function at(lengths: readonly number[], index: number): number {
  const length = lengths[index];
  if (length === undefined) throw new RangeError(`No length at index ${index}`);
  return length;
}
