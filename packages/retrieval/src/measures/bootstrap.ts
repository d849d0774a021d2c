import { randomNumbers } from "@reembed/core";

/** A mean over queries, and the interval that contains it in 95 % of resamples. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
}

export interface BootstrapOptions {
  resamples?: number;
  /** The same seed gives the same interval. */
  seed?: number;
}

/** Interval of a mean over queries by percentile bootstrap (Efron and Tibshirani, "An introduction to the bootstrap", 1993). */
export function bootstrapMean(values: readonly number[], options?: BootstrapOptions): Interval {
  return { mean: mean(values), ...percentileInterval(resampleMeans(values, options)) };
}

/**
 * Interval of `candidate` minus `baseline`, paired: each resample draws queries and takes both values of each (Sakai,
 * "Evaluating evaluation metrics based on the bootstrap", SIGIR 2006). If it does not contain 0, the two differ.
 * @throws RangeError when the two lists are not values of the same queries.
 */
export function bootstrapDifference(
  baseline: readonly number[],
  candidate: readonly number[],
  options?: BootstrapOptions,
): Interval {
  requirePairs(baseline, candidate);
  return bootstrapMean(
    candidate.map((value, query) => value - at(baseline, query)),
    options,
  );
}

/**
 * Interval of the relative change `candidate` / `baseline` - 1, a ratio of means. Undefined if the baseline's mean is 0.
 * @throws RangeError when the two lists are not values of the same queries.
 */
export function bootstrapRelativeChange(
  baseline: readonly number[],
  candidate: readonly number[],
  options?: BootstrapOptions,
): Interval | undefined {
  requirePairs(baseline, candidate);
  if (mean(baseline) === 0) return undefined;
  // Seed and number of queries are equal, so both calls draw the same queries.
  const before = resampleMeans(baseline, options);
  const after = resampleMeans(candidate, options);
  const changes = after.map((value, resample) => value / at(before, resample) - 1);
  return { mean: mean(candidate) / mean(baseline) - 1, ...percentileInterval(changes) };
}

/** The means of `resamples` samples, each as large as the values and drawn from them with replacement. */
function resampleMeans(
  values: readonly number[],
  { resamples = 10_000, seed = 1 }: BootstrapOptions = {},
): Float64Array {
  if (values.length === 0) throw new RangeError("There is nothing to resample");
  const population = Float64Array.from(values);
  const size = population.length;
  const random = randomNumbers(seed);
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < size; drawn++) sum += population[Math.floor(random() * size)] as number;
    return sum / size;
  });
}

/** The middle 95 %, interpolated between neighbours. Resamples in which both means are 0 have no ratio and are left out. */
function percentileInterval(values: Float64Array): { low: number; high: number } {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const percentile = (share: number) => {
    const rank = share * (sorted.length - 1);
    const below = at(sorted, Math.floor(rank));
    const above = at(sorted, Math.ceil(rank));
    return below === above ? below : below + (above - below) * (rank - Math.floor(rank));
  };
  return { low: percentile(0.025), high: percentile(0.975) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function requirePairs(baseline: readonly number[], candidate: readonly number[]): void {
  if (baseline.length === candidate.length) return;
  throw new RangeError(`${baseline.length} values cannot be paired with ${candidate.length}`);
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`No value at index ${index}`);
  return value;
}
