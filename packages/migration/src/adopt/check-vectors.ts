import { ReembedError } from "@reembed/core";
import { startProfileEmbedder } from "@reembed/embedder";
import { readDimensions, sampleSource } from "@reembed/store/adoption";
import type { AdoptedSource } from "@reembed/store/schema";
import { startSpendingMeter } from "../spending/spending-meter.ts";
import { compareVectors } from "../verify/compare-vectors.ts";
import type { AdoptOptions } from "./adopt-options.ts";

export interface CheckedVectors {
  compared: number;
  leastCosine: number;
}

/** Kernels and number formats of one model differ by less than this; vectors of two models are far below it. */
const leastCosine = 0.99;

/**
 * Embeds a sample of the application's texts with the profile's model and compares the vectors with the application's. If
 * nobody knows the model, only their dimensions can be compared, and the result is undefined.
 * @throws ReembedError `vectors_foreign` (exit code 3) if some come from another model, or there is none to compare.
 */
export async function checkVectors(
  source: AdoptedSource,
  { database, config, profile, sample, device, log }: AdoptOptions,
): Promise<CheckedVectors | undefined> {
  const { model } = profile;
  const dimensions = await readDimensions(database, source);
  if (dimensions !== undefined && dimensions < model.dimensions) {
    throw foreign(
      `${source.table}.${source.embedding} has ${dimensions} dimensions, but ${model.id} has ${model.dimensions}.`,
    );
  }
  const page = await sampleSource(database, source, { size: sample, dimensions: model.dimensions });
  if (page.length === 0) {
    const others =
      dimensions === undefined || dimensions === model.dimensions
        ? ""
        : `: its vectors have ${dimensions}, and those beyond are not 0`;
    throw foreign(
      `No chunk of ${source.table} has a text and a vector of the ${model.dimensions} dimensions of ${profile.name}${others}.`,
    );
  }

  if (model.unknown) return undefined;
  await using meter = startSpendingMeter({ database, config, profile, log });
  await using embedder = await startProfileEmbedder(profile, config, { device, log, meter });
  const comparison = await compareVectors(
    embedder,
    (async function* () {
      yield page;
    })(),
    { bars: { own: leastCosine, adopted: leastCosine }, sampled: true, onWrong: () => {} },
    () => {},
  );
  const { compared, wrong } = comparison;
  const least = comparison.leastCosine ?? 0;
  if (wrong === 0) return { compared, leastCosine: least };
  throw foreign(
    `${wrong} of ${compared} sampled vectors of ${source.table} do not come from ${model.id}: the least cosine to its own vectors of the same texts is ${least.toFixed(2)}, below ${leastCosine}.`,
  );
}

function foreign(message: string): ReembedError {
  return new ReembedError("vectors_foreign", message, {
    exitCode: 3,
    remedy:
      "Give the profile of the model that made them with --profile, or adopt the table without its vectors with --reembed.",
  });
}
