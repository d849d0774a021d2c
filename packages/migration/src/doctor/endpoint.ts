import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Profile, ReembedError } from "@reembed/core";
import {
  type EmbeddingServer,
  embeddingServerOf,
  hasNoTokenizer,
  httpDevice,
  modelFolder,
  startProfileEmbedder,
} from "@reembed/embedder";
import type { Check, DoctorContext } from "./context.ts";
import { type Finding, fromError, ok } from "./finding.ts";

const patience = { timeoutMs: 10_000, retries: { tries: 1, firstWaitMs: 0, mostWaitMs: 0 } };

/** Has each embedding server embed a text for its profile, as a worker or a search does when it starts. */
export const checkEndpoints: Check = async ({ config, profiles, log }) => {
  const findings: Finding[] = [];
  for (const profile of profiles) {
    const server = embeddingServerOf(config, profile);
    // A missing tokenizer has a finding of its own.
    const { folder } = config.models;
    const here =
      existsSync(join(modelFolder(profile.model, folder), "tokenizer.json")) || hasNoTokenizer(profile.model, folder);
    if (server !== undefined && here) findings.push(await checkEndpoint(profile, server, { config, log }));
  }
  return findings;
};

async function checkEndpoint(
  profile: Profile,
  { variables, servedModel = profile.model.id }: EmbeddingServer,
  { config, log }: Pick<DoctorContext, "config" | "log">,
): Promise<Finding> {
  const name = `${variables}_ENDPOINT`;
  try {
    await using _ = await startProfileEmbedder(profile, config, { device: httpDevice, log, patience });
    return ok(name, `embeds for ${profile.name} with its model ${servedModel}`);
  } catch (error) {
    if (!(error instanceof ReembedError)) throw error;
    return fromError(name, error);
  }
}
