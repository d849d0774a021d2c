/**
 * An upper bound, with this confidence, for the share of failures in a population when `failures` of a random sample of
 * `trials` failed: the exact one-sided bound of Clopper and Pearson ("The use of confidence or fiducial limits
 * illustrated in the case of the binomial", 1934). For a sample without replacement it is too high rather than too low.
 * 0 failures of 200 give 1.49 %.
 * @throws RangeError if `failures` is not between 0 and `trials`, or `trials` is 0.
 */
export function failureShareAtMost(failures: number, trials: number, confidence = 0.95): number {
  if (trials < 1 || failures < 0 || failures > trials) throw new RangeError(`${failures} of ${trials} is not a sample`);
  if (failures === trials) return 1;
  let [low, high] = [failures / trials, 1];
  // The probability of this few failures falls as the share grows. 60 halvings exhaust the precision of a double.
  for (let halving = 0; halving < 60; halving++) {
    const share = (low + high) / 2;
    if (probabilityAtMost(failures, trials, share) > 1 - confidence) low = share;
    else high = share;
  }
  return high;
}

/** The probability of at most `failures`. Computed with logarithms: terms underflow a double when there are many trials. */
function probabilityAtMost(failures: number, trials: number, share: number): number {
  let logTerm = trials * Math.log1p(-share);
  let probability = Math.exp(logTerm);
  for (let count = 1; count <= failures; count++) {
    logTerm += Math.log(((trials - count + 1) / count) * (share / (1 - share)));
    probability += Math.exp(logTerm);
  }
  return probability;
}
