/** The inputs of one model run: indexes into the texts that were given, and the length they are padded to. */
export interface MicroBatch {
  indexes: number[];
  /** Tokens of the longest input. */
  length: number;
}

/**
 * Groups texts into micro-batches of at most `tokenBudget` tokens, padding included. They are sorted by length first:
 * neighbours are then of similar length and little is padded. A text longer than the budget runs alone. The longest come
 * first, so that memory peaks in the first run and not in the middle of a job.
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
 * Groups texts of one length into micro-batches of at most `tokenBudget` tokens, so that nothing is padded: on a CPU
 * the time of a run is proportional to its tokens, and padding costs as much as text. The longest come first.
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
 * Groups texts into micro-batches of at most `tokenBudget` tokens for a device that runs texts of any lengths together
 * without padding. There are as few micro-batches as the budget allows, of about equal size, because a device computes
 * two medium runs faster than a large and a small one. The longest come first; a text longer than the budget runs alone.
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

/** The smallest and the largest budget that are tried on a device: 4 of BGE-M3's longest texts fill 32,768 tokens. */
const leastBudget = 1_024;
const mostBudget = 1 << 19;
/** The throughput must rise by this factor when the tokens of a run double; less is not worth the memory. */
const worthwhileGain = 1.03;

/**
 * Finds the number of tokens per run at which a device is fastest: doubles it until the throughput stops rising or the
 * memory is full.
 * @param measure Runs this many tokens and returns the tokens per second, or undefined if they do not fit into memory.
 * @returns The smallest budget that is tried if the device has no memory for more.
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
