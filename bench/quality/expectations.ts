import { bootstrapRelativeChange, column, type Interval } from "@reembed/retrieval/measures";
import type { QueryMeasures } from "./evaluate.ts";
import type { Expectation, ProfileQuality } from "./report.ts";

interface Measured {
  measures: QueryMeasures;
  quality: ProfileQuality;
}

export function checkExpectations(baseline: Measured, candidate: Measured): Expectation[] {
  const columns = (name: "precision5" | "recall10"): [number[], number[]] => [
    column(baseline.measures, name),
    column(candidate.measures, name),
  ];
  const [before, after] = [baseline.quality, candidate.quality];
  const [{ peakMemoryMiB: memoryBefore }, { peakMemoryMiB: memoryAfter }] = [before.embedding, after.embedding];
  return [
    gain("precision@5", "+15 to +20 %", 0.15, columns("precision5")),
    gain("recall@10", "+25 %", 0.25, columns("recall10")),
    cost(
      { what: "embedding time of the corpus", unit: "s", hoped: "+300 %", most: 3 },
      before.embedding.seconds,
      after.embedding.seconds,
    ),
    cost({ what: "peak memory of inference", unit: "MiB", hoped: "+1,800 %", most: 18 }, memoryBefore, memoryAfter),
    latency("exact search, p50", before.searchMs.p50, after.searchMs.p50),
    latency("exact search, p95", before.searchMs.p95, after.searchMs.p95),
  ];
}

function gain(what: string, hoped: string, least: number, [before, after]: [number[], number[]]): Expectation {
  const change = bootstrapRelativeChange(before, after);
  const { mean: relative, low, high } = change ?? {};
  const verdict = change === undefined ? "the baseline found nothing to compare with" : judgeGain(change, least);
  return {
    what,
    unit: "",
    hoped,
    baseline: mean(before),
    candidate: mean(after),
    change: relative,
    low,
    high,
    verdict,
  };
}

export function judgeGain({ mean, low, high }: Interval, least: number): string {
  if (low >= least) return "reached beyond doubt";
  if (mean >= least) return low > 0 ? "reached; how far is uncertain" : "reached, perhaps by chance";
  if (high < 0) return "missed: it is worse";
  if (low > 0) return "missed, but better beyond doubt";
  return high >= least ? "not shown with these queries" : "missed";
}

function cost(
  { what, unit, hoped, most }: { what: string; unit: "s" | "MiB"; hoped: string; most: number },
  baseline: number | undefined,
  candidate: number | undefined,
): Expectation {
  const change = baseline === undefined || candidate === undefined ? undefined : candidate / baseline - 1;
  return { what, unit, hoped, baseline, candidate, change, verdict: judgeCost(change, most) };
}

export function judgeCost(change: number | undefined, most: number): string {
  if (change === undefined) return "not measured: this system does not tell";
  if (change <= 0) return "costs nothing more";
  return change <= most ? "within what was expected" : "more than was expected";
}

function latency(what: string, baseline: number, candidate: number): Expectation {
  const change = candidate / baseline - 1;
  return { what, unit: "ms", hoped: "unchanged", baseline, candidate, change, verdict: judgeLatency(change) };
}

/** Runs of the same search differ by a tenth, even on an idle machine. */
export function judgeLatency(change: number): string {
  if (Math.abs(change) <= 0.1) return "unchanged";
  return change < 0 ? "faster" : "slower";
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
