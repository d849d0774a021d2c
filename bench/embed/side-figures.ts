import type { EncoderShape } from "@reembed/model-builder/graph";
import { workOf } from "./encoder-work.ts";
import { median, roundTo } from "./figures.ts";
import type { TextOfLength } from "./mixed-texts.ts";
import { type ProductPeak, secondsAtPeak } from "./product-peak.ts";
import { type Run, type Side, tokensOf } from "./run.ts";

export interface MeasuredSide {
  side: Side;
  /** Of the linear layers; undefined if the machine's peak was not measured in it. */
  arithmetic: keyof ProductPeak | undefined;
  /** One per round. */
  runs: Run[];
  /** Least cosine similarity between a text's vector and the first side's, per round. */
  cosines: number[];
}

/** Results of one side: medians over the rounds, and the peak memory of any. Null if the system does not report it. */
export interface SideFigures {
  title: string;
  tokensPerSecond: number;
  /** Speed relative to the first side. */
  ratio: number;
  /** Tokens per CPU second of the processes that ran the model: with one thread, hardly affected by other load. */
  tokensPerCpuSecond: number | null;
  /** Cores used by the process that ran the model: CPU seconds per second. */
  cores: number | null;
  /** Share of all computed tokens that is padding. */
  padding: number;
  peakRssMiB: number | null;
  /** The time that the work would take at the machine's measured peak, divided by the actual time. */
  shareOfPeak: number | null;
  leastCosine: number;
}

interface Context {
  texts: readonly TextOfLength[];
  shape: EncoderShape;
  /** Operations per second. */
  peak: ProductPeak;
  /** Runs of the side that ratios are relative to. */
  base: readonly Run[];
}

export function summarizeSide({ side, arithmetic, runs, cosines }: MeasuredSide, context: Context): SideFigures {
  const { texts, shape, peak, base } = context;
  const tokens = tokensOf(texts);
  const work = workOf(
    shape,
    texts.map((text) => text.tokens),
  );
  const seconds = median(runs.map((run) => run.seconds));
  const cpu = runs.flatMap(({ use }) => use.cpuSeconds ?? []);
  const cores = runs.flatMap((run) => (run.use.cpuSeconds === undefined ? [] : run.use.cpuSeconds / run.seconds));
  const padding = median(runs.map((run) => run.padding));
  const memory = runs.flatMap(({ use }) => use.peakRssMiB ?? []);
  return {
    title: side.title,
    tokensPerSecond: roundTo(tokens / seconds, 1),
    ratio: roundTo(median(base.map((run) => run.seconds)) / seconds, 2),
    tokensPerCpuSecond: cpu.length === 0 ? null : roundTo(tokens / median(cpu), 1),
    cores: cores.length === 0 ? null : roundTo(median(cores), 2),
    padding: roundTo(padding / (tokens + padding), 4),
    peakRssMiB: wholeOrNull(memory.length === 0 ? undefined : Math.max(...memory)),
    shareOfPeak: arithmetic === undefined ? null : roundTo(secondsAtPeak(work, peak, arithmetic) / seconds, 3),
    leastCosine: roundTo(Math.min(...cosines), 6),
  };
}

export function wholeOrNull(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}
