import { formatCount, ReembedError } from "@reembed/core";
import { embeddingServerOf, startProfileEmbedder, tryEmbedding } from "@reembed/embedder";
import type { Check } from "./context.ts";
import { type Finding, fromError, ok } from "./finding.ts";

/** Starts each model whose files are here on the requested device, as a worker does, and embeds a text with it. */
export const checkDevice: Check = async ({ config, profiles, models, device, log }) => {
  if (device === undefined) return [];
  const findings: Finding[] = [];
  for (const profile of profiles) {
    const here = models.some(({ model, problem }) => model === profile.model.id && problem === null);
    if (!here || embeddingServerOf(config, profile) !== undefined) continue;
    const check = `${profile.model.id} on ${device}`;
    let tokenBudget = 0;
    const observer = {
      ...{ ran() {}, tokenised() {}, restarted() {} },
      budgeted(tokens: number) {
        tokenBudget = tokens;
      },
    };
    try {
      await using embedder = await startProfileEmbedder(profile, config, { device, log, observer });
      await tryEmbedding(embedder);
      findings.push(ok(check, `embeds, with up to ${formatCount(tokenBudget)} tokens per run`));
    } catch (error) {
      if (!(error instanceof ReembedError)) throw error;
      findings.push(fromError(check, error));
    }
  }
  return findings;
};
