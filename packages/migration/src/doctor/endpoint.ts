import { existsSync } from "node:fs";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { httpDevice, modelFolder, servedByEndpoint, startProfileEmbedder } from "@reembed/embedder";
import type { Check } from "./context.ts";
import { fromError, ok } from "./finding.ts";

const name = "EMBEDDING_ENDPOINT";
const patience = { timeoutMs: 10_000, retries: { tries: 1, firstWaitMs: 0, mostWaitMs: 0 } };

/** Has EMBEDDING_ENDPOINT embed a text for the candidate, as a worker does when it starts. */
export const checkEndpoint: Check = async ({ config, profiles, log }) => {
  const profile = profiles.find((one) => servedByEndpoint(config, one.name));
  if (profile === undefined) return [];
  // A missing tokenizer has a finding of its own.
  if (!existsSync(join(modelFolder(profile.model, config.models.folder), "tokenizer.json"))) return [];
  try {
    await using _ = await startProfileEmbedder(profile, config, { device: httpDevice, log, patience });
    const served = config.embeddingServer?.servedModel ?? profile.model.id;
    return [ok(name, `embeds for ${profile.name} with its model ${served}`)];
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    return [fromError(name, error)];
  }
};
