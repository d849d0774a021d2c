import { workOf } from "../embed/encoder-work.ts";
import { roundTo } from "../embed/figures.ts";
import type { RandomModel } from "../embed/random-model.ts";
import type { Peer } from "./peer.ts";
import { batchSize, type GpuRun, openGpuEmbedder, runTexts } from "./sides.ts";
import { TextSource } from "./texts.ts";

/** Texts of one length, truncated to it, or of many lengths. */
interface GpuCase {
  name: string;
  texts: string[];
  maxTokens: number;
}

interface PackedFigures extends GpuRun {
  /** Tokens per second of each round; the other figures are those of the median round. */
  rounds: number[];
  shareOfMatrixRate: number;
}

interface PeerFigures {
  batch: number;
  rounds: number[];
  tokensPerSecond: number;
  peakMemoryMiB: number;
}

export interface CaseFigures {
  packed: PackedFigures;
  peer?: PeerFigures;
  /** Packed divided by sentence-transformers, both as medians. */
  ratio?: number;
}

interface Measurement {
  model: RandomModel;
  peer: Peer | undefined;
  rounds: number;
  /** Operations per second. */
  matrixRate: number;
}

/** So that the time in which the first texts are tokenised hardly counts. */
const leastBatches = 40;
const peerBatches = [32, 64, 128, 256];
/** The number of texts for which the peer's best batch size is chosen. */
const sample = 512;

/** Each case has at least this many tokens and at least 40 batches. */
export function makeCases(tokens: number, source = new TextSource()): GpuCase[] {
  const countFor = (length: number) => Math.max(leastBatches * batchSize, Math.ceil(tokens / length));
  const equal = [128, 512, 1_500].map((length) => ({
    name: `${length} tokens`,
    maxTokens: length,
    texts: Array.from({ length: countFor(length) }, () => source.text(length)),
  }));
  const [least, most] = [30, 1_500];
  const texts = source.mixed(countFor((least + most) / 2), least, most);
  return [...equal, { name: `${least} to ${most} tokens`, maxTokens: 8_192, texts }];
}

/** Runs a case's texts with the packed graph and with sentence-transformers, by turns. */
export async function measureCase(
  gpuCase: GpuCase,
  { model, peer, rounds, matrixRate }: Measurement,
): Promise<CaseFigures> {
  const { name, texts, maxTokens } = gpuCase;
  await using opened = await openGpuEmbedder(model, { maxTokens });
  await runTexts(opened, texts.slice(0, 4 * batchSize));
  const batch = peer === undefined ? 0 : await bestBatch(peer, gpuCase);
  const packedRuns: GpuRun[] = [];
  const peerSeconds: number[] = [];
  let peakMemoryMiB = 0;
  for (let round = 0; round < rounds; round++) {
    const run = await runTexts(opened, texts);
    packedRuns.push(run);
    console.error(`${name}: ${JSON.stringify(run)}`);
    if (peer === undefined) continue;
    const answer = await peer.run({ texts, maxTokens, batch });
    peerSeconds.push(answer.seconds);
    peakMemoryMiB = Math.round(answer.peakMemoryMiB);
    console.error(`${name}, sentence-transformers in batches of ${batch}: ${JSON.stringify(answer)}`);
  }
  const run = medianBy(packedRuns, ({ tokensPerSecond }) => tokensPerSecond);
  const packed: PackedFigures = {
    ...run,
    rounds: packedRuns.map(({ tokensPerSecond }) => tokensPerSecond),
    shareOfMatrixRate: roundTo(rateOf(model, run, texts.length) / matrixRate, 3),
  };
  if (peer === undefined) return { packed };
  // Both sides have the same tokenizer and cut texts at the same length.
  const peerRounds = peerSeconds.map((seconds) => Math.round(run.tokens / seconds));
  const tokensPerSecond = medianBy(peerRounds, (rate) => rate);
  return {
    packed,
    peer: { batch, rounds: peerRounds, tokensPerSecond, peakMemoryMiB },
    ratio: roundTo(run.tokensPerSecond / tokensPerSecond, 2),
  };
}

/** The batch size with which sentence-transformers embeds a sample of the texts fastest. Its default is 32. */
async function bestBatch(peer: Peer, { name, texts, maxTokens }: GpuCase): Promise<number> {
  const seconds = new Map<number, number>();
  const run = (batch: number) => peer.run({ texts: texts.slice(0, sample), maxTokens, batch });
  await run(Math.max(...peerBatches));
  for (const batch of peerBatches) seconds.set(batch, (await run(batch)).seconds);
  console.error(`${name}, sentence-transformers, seconds by batch size: ${JSON.stringify([...seconds])}`);
  return peerBatches.reduce((best, batch) => ((seconds.get(batch) ?? 0) < (seconds.get(best) ?? 0) ? batch : best));
}

/** The element in the middle; of an even number, the lower one of the two in the middle. */
function medianBy<Element>(elements: readonly Element[], keyOf: (element: Element) => number): Element {
  const sorted = elements.toSorted((a, b) => keyOf(a) - keyOf(b));
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new RangeError("A median needs at least one element");
  return middle;
}

/** Floating-point operations per second of a run, computed as if all texts had the mean length. */
function rateOf({ shape }: RandomModel, { tokens, seconds }: GpuRun, texts: number): number {
  const lengths = Array.from({ length: texts }, () => tokens / texts);
  const { linear, attention } = workOf(shape, lengths);
  return (linear + attention) / seconds;
}
