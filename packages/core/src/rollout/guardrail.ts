/** How a profile answered within a window of time. */
export interface GuardWindow {
  searches: number;
  errors: number;
  /** Answers without results. */
  empty: number;
  /** Latency of the answers; null if there were none. */
  latency: LatencyBounds | null;
  /** Searches that got feedback, and those among them with a result that was called unhelpful. */
  judged: number;
  negative: number;
}

/** The 95th percentile with its lower and upper bound, all in ms. */
export interface LatencyBounds {
  p95: number;
  low: number;
  high: number;
}

/** How much worse than the baseline the candidate may be. */
export interface GuardrailSettings {
  windowSeconds: number;
  /** A window with fewer searches is not evaluated. */
  leastSearches: number;
  /** Allowed differences of shares, 0 to 1: of failed searches, of empty answers, of judged searches that were unhelpful. */
  errorMargin: number;
  emptyMargin: number;
  negativeMargin: number;
  /** The candidate's p95 may be this many times the baseline's, or this many ms above it, whichever is larger. */
  p95Ratio: number;
  p95MarginMs: number;
}

export const guardedMeasures = ["errors", "empty", "negative", "latency"] as const;

type GuardedMeasure = (typeof guardedMeasures)[number];

/** How much worse than the baseline the candidate is in one measure, and how much worse it may be. */
export interface GuardFigure {
  measure: GuardedMeasure;
  /** What was measured and its bounds: the difference of the shares, -1 to 1; of the latency, the candidate's p95 in ms. */
  value: number;
  low: number;
  high: number;
  /** It is a breach if `low` is above this: the candidate is then certainly worse than it may be. */
  allowed: number;
  /** The figures as a sentence, for operators. */
  sentence: string;
}

/**
 * Standard errors: 99.9 % one-sided confidence. Windows overlap and are checked every ten seconds, which is many tests
 * of almost the same sample; the margins make up for that. `guardrail.test.ts` shows that noise causes no breach.
 */
const z = 3;
const quantile = 0.95;
/** Feedback is rare: about one search in a hundred gets any. The bounds hold for any number; fewer convince nobody. */
const leastJudged = 30;

/** Every measure that both windows say something about; empty if either has too few searches. */
export function measureGuardrails(
  candidate: GuardWindow,
  baseline: GuardWindow,
  settings: GuardrailSettings,
): GuardFigure[] {
  if (!saysSomething(candidate, settings) || !saysSomething(baseline, settings)) return [];
  const figures = [
    compareShares("errors", candidate, baseline, settings.errorMargin),
    compareShares("empty", candidate, baseline, settings.emptyMargin),
    Math.min(candidate.judged, baseline.judged) < leastJudged
      ? undefined
      : compareShares("negative", candidate, baseline, settings.negativeMargin),
    compareLatency(candidate, baseline, settings),
  ];
  return figures.filter((figure) => figure !== undefined);
}

/**
 * The measures in which the candidate is certainly worse than the baseline by more than the settings allow: the lower
 * bound of the difference is compared, not the measured difference.
 */
export function findBreaches(figures: readonly GuardFigure[]): GuardFigure[] {
  return figures.filter(({ low, allowed }) => low > allowed);
}

export function saysSomething({ searches }: GuardWindow, { leastSearches }: GuardrailSettings): boolean {
  return searches >= leastSearches;
}

const shares = {
  errors: { count: "errors", total: (window: GuardWindow) => window.searches, what: "searches failed" },
  empty: {
    count: "empty",
    total: (window: GuardWindow) => window.searches - window.errors,
    what: "answers were empty",
  },
  negative: {
    count: "negative",
    total: (window: GuardWindow) => window.judged,
    what: "searches were called unhelpful",
  },
} as const;

/** Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10), valid for shares near 0 such as errors. */
function compareShares(
  measure: keyof typeof shares,
  candidate: GuardWindow,
  baseline: GuardWindow,
  margin: number,
): GuardFigure {
  const { count, total, what } = shares[measure];
  const now = wilson(candidate[count], total(candidate));
  const usual = wilson(baseline[count], total(baseline));
  const value = now.share - usual.share;
  const low = value - Math.hypot(now.share - now.low, usual.high - usual.share);
  const high = value + Math.hypot(now.high - now.share, usual.share - usual.low);
  return {
    ...{ measure, value, low, high, allowed: margin },
    sentence:
      `${percent(now.share)} of ${total(candidate)} ${what}, ${percent(usual.share)} of the baseline's ${total(baseline)}: ` +
      `at least ${percent(low)} more, ${percent(margin)} are allowed`,
  };
}

function compareLatency(
  { latency: candidate }: GuardWindow,
  { latency: baseline }: GuardWindow,
  { p95Ratio, p95MarginMs }: GuardrailSettings,
): GuardFigure | undefined {
  if (candidate === null || baseline === null) return undefined;
  const allowed = Math.max(baseline.high * p95Ratio, baseline.high + p95MarginMs);
  const { p95: value, low, high } = candidate;
  return {
    ...{ measure: "latency", value, low, high, allowed },
    sentence:
      `95 % of answers took up to ${milliseconds(value)}, the baseline's ${milliseconds(baseline.p95)}: ` +
      `${milliseconds(low)} at least, ${milliseconds(allowed)} are allowed`,
  };
}

/**
 * The ranks, counted from 1, of the 95th percentile of n values and of its bounds. The number of values below the
 * percentile is binomial for any distribution. With fewer than 135 values even the greatest may lie below it, once in a
 * thousand times.
 */
export function latencyRanks(count: number): LatencyBounds {
  const spread = z * Math.sqrt(count * quantile * (1 - quantile));
  const rank = (value: number) => Math.min(count, Math.max(1, value));
  return {
    p95: rank(Math.ceil(count * quantile)),
    low: rank(Math.floor(count * quantile - spread)),
    high: rank(Math.ceil(count * quantile + spread) + 1),
  };
}

/** The share `count / total` with its Wilson score interval; [0, 1] if the total is 0. */
function wilson(count: number, total: number): { share: number; low: number; high: number } {
  if (total === 0) return { share: 0, low: 0, high: 1 };
  const share = count / total;
  const scale = 1 + z ** 2 / total;
  const centre = (share + z ** 2 / (2 * total)) / scale;
  const half = (z * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2))) / scale;
  return { share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** A value of a measure in its unit, such as `1.0 %` or `42 ms`. */
export function formatGuardFigure(measure: GuardFigure["measure"], value: number): string {
  return measure === "latency" ? milliseconds(value) : percent(value);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function milliseconds(time: number): string {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`;
}
