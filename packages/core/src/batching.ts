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
  const byLength = lengths.map((_, index) => index).sort((a, b) => at(lengths, b) - at(lengths, a) || a - b);
  const packed: MicroBatch[] = [];
  let current: MicroBatch | undefined;
  for (const index of byLength) {
    if (current === undefined || (current.indexes.length + 1) * current.length > tokenBudget) {
      current = { indexes: [], length: at(lengths, index) };
      packed.push(current);
    }
    current.indexes.push(index);
  }
  return packed;
}

function at(lengths: readonly number[], index: number): number {
  const length = lengths[index];
  if (length === undefined) throw new RangeError(`No length at index ${index}`);
  return length;
}
