/**
 * The share of failures that a population has at most, with this confidence, when so many of a random sample failed: the
 * exact one-sided bound of Clopper and Pearson ("The use of confidence or fiducial limits illustrated in the case of the
 * binomial", 1934). For a sample without replacement it errs on the side of caution. None of 200 leaves 1.49 %.
 * @throws RangeError when that is no sample.
 */
export function failureShareAtMost(failures: number, trials: number, confidence = 0.95): number {
  if (trials < 1 || failures < 0 || failures > trials) throw new RangeError(`${failures} of ${trials} is no sample`);
  if (failures === trials) return 1;
  let [low, high] = [failures / trials, 1];
  // The probability of so few failures falls as the share grows. 60 halvings are more than a double can tell apart.
  for (let halving = 0; halving < 60; halving++) {
    const share = (low + high) / 2;
    if (probabilityAtMost(failures, trials, share) > 1 - confidence) low = share;
    else high = share;
  }
  return high;
}

/** Of `failures` or fewer in so many trials. In logarithms: a single term of many trials is below the least double. */
function probabilityAtMost(failures: number, trials: number, share: number): number {
  let logTerm = trials * Math.log1p(-share);
  let probability = Math.exp(logTerm);
  for (let count = 1; count <= failures; count++) {
    logTerm += Math.log(((trials - count + 1) / count) * (share / (1 - share)));
    probability += Math.exp(logTerm);
  }
  return probability;
}
