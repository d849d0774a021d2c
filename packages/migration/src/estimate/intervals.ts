/** An estimate for a whole population, with the bounds of its 95 % confidence interval. */
export interface Estimated {
  total: number;
  low: number;
  high: number;
}

export interface EstimatedShare {
  share: number;
  low: number;
  high: number;
}

/** One sampled chunk or document: its size, which is known for the whole population, and the measured value. */
export interface Sampled {
  size: number;
  value: number;
}

/** Quantile of the standard normal distribution for 95 %. */
const normalQuantile = 1.959964;

/**
 * The total of a value over a population of known count and size, from a random sample without replacement: the regression
 * estimator (Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, ch. 6). Tokens depend on bytes, more or
 * less closely in different languages. Each residual is corrected as if the line had been fitted without its own sample
 * (HC3). In trials, the interval contained the true value 95 times of 100 from 100 chunks on, and 90 times from 30 chunks.
 * A sample that is the whole population gives the exact total.
 * @throws RangeError below three samples of a larger population.
 */
export function estimateTotal(sample: readonly Sampled[], population: { count: number; size: number }): Estimated {
  const { length } = sample;
  const seen = sum(sample.map(({ value }) => value));
  if (length >= population.count) return { total: seen, low: seen, high: seen };
  if (length < 3) throw new RangeError(`${length} samples are too few for an estimate of ${population.count}`);
  const size = sum(sample.map((one) => one.size)) / length;
  const value = seen / length;
  const spread = sum(sample.map((one) => (one.size - size) ** 2));
  const slope = spread === 0 ? 0 : sum(sample.map((one) => (one.size - size) * (one.value - value))) / spread;
  const distance = population.size / population.count - size;
  const squares = sample.map((one) => {
    const place = spread === 0 ? 0 : (one.size - size) / spread;
    const leverage = 1 / length + place * (one.size - size);
    const residual = one.value - value - slope * (one.size - size);
    // The weight of this sample in the total, corrected for sizes that were drawn too often or too rarely.
    const weight = 1 + length * place * distance;
    // A sample that determines the line alone always lies on it.
    return leverage > 0.999 ? 0 : ((weight * residual) / (1 - leverage)) ** 2;
  });
  const total = Math.max(seen, population.count * (value + slope * distance));
  const variance = ((1 - length / population.count) * sum(squares)) / (length * (length - 1));
  const margin = population.count * quantile(length - 2) * Math.sqrt(variance);
  return { total, low: Math.max(seen, total - margin), high: total + margin };
}

/**
 * A share with Wilson's interval, which has a width even for a share of 0 in the sample (Brown, Cai and DasGupta, Interval
 * Estimation for a Binomial Proportion, 2001); exact if the sample is the whole population.
 */
export function estimateShare(share: number, sampled: number, population: number): EstimatedShare {
  if (sampled >= population) return { share, low: share, high: share };
  // A sample without replacement is as informative as a larger sample of an infinite population.
  const size = (sampled * (population - 1)) / (population - sampled);
  const squared = normalQuantile ** 2;
  const middle = (share + squared / (2 * size)) / (1 + squared / size);
  const margin =
    (normalQuantile / (1 + squared / size)) * Math.sqrt((share * (1 - share)) / size + squared / (4 * size ** 2));
  return { share, low: Math.max(0, middle - margin), high: Math.min(1, middle + margin) };
}

/** Quantile of Student's distribution for 95 %: the Cornish-Fisher expansion, within 1 % from five degrees of freedom on. */
function quantile(freedom: number): number {
  const z = normalQuantile;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
