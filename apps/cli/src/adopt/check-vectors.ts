import { ReembedError } from "@reembed/core";
import { type ChunkSource, readDimensions, sampleSource } from "@reembed/store";
import { httpDevice, servedByEndpoint, startProfileEmbedder } from "../profile-embedder.ts";
import { compareVectors } from "../verify/compare-vectors.ts";
import type { AdoptOptions } from "./adopt-table.ts";

export interface CheckedVectors {
  compared: number;
  leastCosine: number;
}

/** Kernels and number formats of one model differ by less; two models do not come near it. */
const leastCosine = 0.99;

/**
 * Embeds a sample of the application's texts with the profile's model and compares the vectors with those that the
 * application has.
 * @throws ReembedError `vectors_foreign` (exit code 3) when some are another model's, or there is none to compare.
 */
export async function checkVectors(
  source: ChunkSource,
  { database, config, profile, sample, device, log }: AdoptOptions,
): Promise<CheckedVectors> {
  const { model } = profile;
  const dimensions = await readDimensions(database, source);
  if (dimensions !== undefined && dimensions !== model.dimensions) {
    throw foreign(
      `${source.table}.${source.embedding} has ${dimensions} dimensions, and ${model.id} ${model.dimensions}.`,
    );
  }
  const page = await sampleSource(database, source, sample);
  if (page.length === 0) throw foreign(`No chunk of ${source.table} has a text and a vector.`);

  const served = servedByEndpoint(config, profile.name);
  await using embedder = await startProfileEmbedder(profile, config, { device: served ? httpDevice : device, log });
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
    `${wrong} of ${compared} sampled vectors of ${source.table} are not ${model.id}'s: the least cosine to what it makes of their texts is ${least.toFixed(2)}, and ${leastCosine} is needed.`,
  );
}

function foreign(message: string): ReembedError {
  return new ReembedError("vectors_foreign", message, {
    exitCode: 3,
    remedy: "Name the profile of the model that made them with --profile, or leave them behind with --reembed.",
  });
}
