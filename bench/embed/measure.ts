import { engineSide } from "./engine-side.ts";
import { leastCosine, roundTo } from "./figures.ts";
import { mixedTexts, textOfLength } from "./mixed-texts.ts";
import { pipelineSide } from "./pipeline-side.ts";
import { measureProductPeak, type ProductPeak } from "./product-peak.ts";
import { pythonSides } from "./python-side.ts";
import { openRandomModel, type RandomModel } from "./random-model.ts";
import { type Side, tokensOf } from "./run.ts";
import { type MeasuredSide, type SideFigures, summarizeSide, wholeOrNull } from "./side-figures.ts";

/** transformers.js is called as in its examples: a few texts at a time, in order of arrival. */
const pipelineBatch = 8;
/** BGE-M3's maximum. */
const longestText = 8_192;
/** Least cosine to the first side's vectors. Below it, one of our sides would be doing different work. */
const leastCosines = { fp32: 0.9999, int8: 0.99 } as const;

export interface EmbedFigures {
  layers: number;
  rounds: number;
  threads: number;
  texts: number;
  tokens: number;
  sides: Record<string, SideFigures>;
  longText: { tokens: number; tokensPerSecond: number; peakRssMiB: number | null };
  /** Delay of the process that renews the queue's locks, while int8 runs, including the long text: see `EventLoopDelay`. */
  eventLoopMaxMs: number;
  eventLoopOwnMaxMs: number;
  /** In 10^9 operations per second. */
  peak: ProductPeak;
}

export interface EmbedOptions {
  layers: number;
  rounds: number;
  texts: { count: number; least: number; most: number };
  /** Of each side. */
  threads: number;
  /** Path of a Python with the peers' libraries, to compare with them instead of transformers.js. */
  python?: string | undefined;
}

/**
 * Runs every side once per round, starting with another one each time.
 * @throws Error if a side's vectors differ from the first side's.
 */
export async function measureEmbedding({
  layers,
  rounds,
  texts: wanted,
  threads,
  python,
}: EmbedOptions): Promise<EmbedFigures> {
  const model = await openRandomModel({ layers, graphs: ["exported", "fp32", "int8"] });
  const int8 = measured(engineSide(model, "int8", { threads }), "int8");
  const sides: Record<string, MeasuredSide> = {
    ...(python === undefined ? scriptSides(model, threads) : await peerSides(python, model, threads)),
    fp32: measured(engineSide(model, "fp32", { threads }), "fp32"),
    int8,
    ...(threads > 1 && {
      int8Processes: measured(engineSide(model, "int8", { threads: 1, processes: threads }), "int8"),
    }),
  };
  const [first] = Object.values(sides);
  const texts = await mixedTexts(model.folder, wanted);
  const tokens = tokensOf(texts);
  const peaks: ProductPeak[] = [];
  for (let round = 0; round < rounds; round++) {
    peaks.push(await measureProductPeak(threads));
    for (const { side, arithmetic, runs, cosines } of rotated(Object.values(sides), round)) {
      const run = await side.run(texts);
      console.error(`round ${round + 1} of ${rounds}: ${side.title}: ${(tokens / run.seconds).toFixed(0)} tok/s`);
      runs.push(run);
      const cosine = leastCosine(run.vectors, first?.runs[0]?.vectors ?? []);
      if (arithmetic !== undefined && !(cosine >= leastCosines[arithmetic]))
        throw new Error(`${side.title} has different vectors: cosine ${cosine}`);
      cosines.push(cosine);
    }
  }
  const long = await textOfLength(model.folder, longestText);
  const longRun = await int8.side.run([long]);
  const peak = {
    fp32: Math.max(...peaks.map(({ fp32 }) => fp32)),
    int8: Math.max(...peaks.map(({ int8 }) => int8)),
  };
  const delays = [...int8.runs, longRun].map(({ eventLoop }) => eventLoop);
  const context = { texts, shape: model.shape, peak, base: first?.runs ?? [] };
  return {
    layers,
    rounds,
    threads,
    texts: texts.length,
    tokens,
    sides: Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, summarizeSide(side, context)])),
    longText: {
      tokens: long.tokens,
      tokensPerSecond: roundTo(long.tokens / longRun.seconds, 1),
      peakRssMiB: wholeOrNull(longRun.use.peakRssMiB),
    },
    eventLoopMaxMs: roundTo(Math.max(...delays.map(({ maxMs }) => maxMs)), 1),
    eventLoopOwnMaxMs: roundTo(Math.max(...delays.map(({ maxOwnMs }) => maxOwnMs)), 1),
    peak: { fp32: roundTo(peak.fp32 / 1e9, 0), int8: roundTo(peak.int8 / 1e9, 0) },
  };
}

function scriptSides(model: RandomModel, threads: number): Record<string, MeasuredSide> {
  return {
    pipelineBatches: measured(pipelineSide(model, { batch: pipelineBatch, threads }), "fp32"),
    pipelineOneByOne: measured(pipelineSide(model, { batch: 1, threads }), "fp32"),
    exported: measured(engineSide(model, "exported", { threads }), "fp32"),
  };
}

async function peerSides(python: string, model: RandomModel, threads: number): Promise<Record<string, MeasuredSide>> {
  const sides = await pythonSides(python, model, threads);
  return Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, measured(side, undefined)]));
}

function measured(side: Side, arithmetic: MeasuredSide["arithmetic"]): MeasuredSide {
  return { side, arithmetic, runs: [], cosines: [] };
}

function rotated<T>(values: readonly T[], by: number): T[] {
  return values.map((_, index) => values[(index + by) % values.length] as T);
}
