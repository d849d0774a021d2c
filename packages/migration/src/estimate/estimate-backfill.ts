import type { Config } from "@reembed/config";
import { type Profile, ReembedError } from "@reembed/core";
import { countTokens, embeddingServerOf, startProfileEmbedder } from "@reembed/embedder";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readDatabaseTime } from "@reembed/store/diagnosis";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { Estimate } from "@reembed/store/progress";
import { startSpendingMeter } from "../spending/spending-meter.ts";
import { type Estimated, type EstimatedShare, estimateShare, estimateTotal } from "./intervals.ts";
import { type MeasuredRate, measureRate } from "./measure-rate.ts";
import { type CorpusSample, sampleCorpus } from "./sample-corpus.ts";
import { hnswBuildBytes, hnswBytes, vectorBytes } from "./sizes.ts";

export interface EstimateOptions {
  database: Database;
  config: Config;
  log: Logger;
  profile: Profile;
  registered: RegisteredProfile;
  /** Number of chunks to sample. */
  sample: number;
  /** How long to run the model. */
  seconds: number;
  workers: number;
  device: string;
}

/** An estimate with its basis, from which an operator can judge it. */
export interface DetailedEstimate extends Estimate {
  profile: string;
  /** What was sampled: chunks, or documents if they are not cut yet. */
  drawn: CorpusSample["drawn"];
  drawnCount: number;
  /** The total number of chunks or documents. */
  drawnFrom: number;
  chunksLow: number;
  chunksHigh: number;
  measured: MeasuredRate;
  /** What an embedding server takes for the tokens; null if they cost nothing. */
  cost: Estimated | null;
}

/**
 * Estimates a profile's backfill from a sample of its texts and a short run of its model on this device.
 * @throws ReembedError `corpus_empty`, `nothing_embedded`, or of `startProfileEmbedder`.
 */
export async function estimateBackfill(options: EstimateOptions): Promise<DetailedEstimate> {
  const { database, config, log, profile, registered, workers, device, seconds } = options;
  const sample = await sampleCorpus(database, profile, registered, options.sample);
  await using meter = startSpendingMeter({ database, config, profile, log });
  await using embedder = await startProfileEmbedder(profile, config, { device, log, meter });
  const volume = await measureVolume(sample, profile, config);
  const texts = shuffled(new Set(sample.units.flatMap((unit) => unit.texts).filter((text) => text.trim() !== "")));
  const { batchSize } = config.producer;
  const measured = texts.length === 0 ? undefined : await measureRate(embedder, texts, { seconds, batchSize });
  if (measured === undefined || measured.tokens === 0) {
    throw new ReembedError("nothing_embedded", `The model of ${profile.name} embedded none of the sampled texts.`);
  }
  const { chunks, tokens, truncated } = volume;
  const { dimensions } = profile.model;
  const rows = Math.round(chunks.total);
  // The embedded database has no ANN index.
  const indexed = config.databaseUrl === undefined ? 0 : rows;
  return {
    profile: profile.name,
    // The start of the work that is compared with the estimate, by the database's clock.
    at: (await readDatabaseTime(database)).toISOString(),
    chunks: rows,
    chunksLow: Math.round(chunks.low),
    chunksHigh: Math.round(chunks.high),
    sample: sample.units.reduce((sum, unit) => sum + unit.texts.length, 0),
    drawn: sample.drawn,
    drawnCount: sample.units.length,
    drawnFrom: sample.count,
    tokens: { total: Math.round(tokens.total), low: Math.round(tokens.low), high: Math.round(tokens.high) },
    tokensPerSecond: measured.tokensPerSecond,
    measured,
    cost: costOf(tokens, embeddingServerOf(config, profile)?.price),
    workers,
    seconds: tokens.total / (measured.tokensPerSecond * workers),
    device: embedder.device,
    vectorBytes: vectorBytes(rows, dimensions),
    indexBytes: hnswBytes(indexed, dimensions),
    indexBuildBytes: hnswBuildBytes(indexed, dimensions),
    truncatedShare: truncated.share,
    truncatedShareLow: truncated.low,
    truncatedShareHigh: truncated.high,
  };
}

/** What tokens cost at a price per million of them; null without a price. */
export function costOf({ total, low, high }: Estimated, price: number | undefined): Estimated | null {
  if (price === undefined) return null;
  const of = (tokens: number) => (tokens * price) / 1_000_000;
  return { total: of(total), low: of(low), high: of(high) };
}

interface Volume {
  chunks: Estimated;
  /** Tokens that the model reads. */
  tokens: Estimated;
  truncated: EstimatedShare;
}

/** Counts the tokens of the sample and extrapolates to the whole corpus. */
export async function measureVolume(
  { count, bytes, units }: CorpusSample,
  { model }: Profile,
  { models }: Pick<Config, "models">,
): Promise<Volume> {
  const tokens = await countTokens(
    model,
    models.folder,
    units.flatMap((unit) => unit.texts),
  );
  let next = 0;
  const counted = units.map((unit) => {
    const own = tokens.slice(next, next + unit.texts.length);
    next += own.length;
    return { ...unit, tokens: own };
  });
  const total = (value: (unit: (typeof counted)[number]) => number) =>
    estimateTotal(
      counted.map((unit) => ({ size: unit.bytes, value: value(unit) })),
      { count, size: bytes },
    );
  const truncated = tokens.filter((text) => text.truncated > 0).length;
  return {
    chunks: total((unit) => unit.texts.length),
    tokens: total((unit) => unit.tokens.reduce((sum, text) => sum + text.read, 0)),
    // Chunks of one document are similar, so the sample size is the number of documents.
    truncated: estimateShare(truncated / Math.max(1, tokens.length), units.length, count),
  };
}

/** In random order: a short run then has long and short texts in their true proportion. */
function shuffled(texts: ReadonlySet<string>): string[] {
  return [...texts]
    .map((text) => ({ text, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ text }) => text);
}
