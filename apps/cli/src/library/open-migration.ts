import { randomUUID } from "node:crypto";
import { loadConfig } from "@reembed/config";
import { modelKey, ReembedError, servingProfile } from "@reembed/core";
import { followSettings } from "@reembed/migration/settings";
import { embedTexts } from "@reembed/retrieval";
import { createLogger, createMetrics } from "@reembed/runtime";
import { answerSearch, openAnswering, parseBody, SearchRequest } from "@reembed/search";
import { rolloutBucket } from "@reembed/store/rollout";
import { openSearchServices } from "../hosting/search-services.ts";
import { impatience } from "../hosting/serve.ts";
import type { Migration, OpenOptions } from "./migration.ts";

/**
 * Opens the database that `reembed init` has set up, starts both profiles' models and follows the rollout. Disposal, by
 * `await using`, records the last searches and ends the models.
 * @throws ReembedError with a code and, for most, a remedy.
 */
export async function openMigration({ environment, device = "cpu" }: OpenOptions = {}): Promise<Migration> {
  const config = loadConfig(environment ?? process.env, { LOG_LEVEL: "warn" });
  const log = createLogger(config.logLevel);
  await using scope = new AsyncDisposableStack();
  const { database, embedders } = await openSearchServices(config, { device, log, patience: impatience, scope });
  const { search } = config;
  const guardrails = followSettings(database, config, (present) => present.guardrails);
  const options = { database, embedders, guardrails, logQueries: search.logQueries, metrics: createMetrics(), log };
  const { context } = scope.use(await openAnswering(options));
  const opened = scope.move();
  return {
    search: async (query) => await answerSearch(randomUUID(), parseBody(SearchRequest, query), context),
    profileOf(subject) {
      const { rollout } = context.rollout.routes;
      return servingProfile(rollout, rolloutBucket(subject, rollout.salt));
    },
    async embed(profile, texts, { as } = { as: "query" }) {
      const { profiles } = context.rollout.routes;
      const { model = "", revision = "" } = profiles.get(profile) ?? {};
      const embedder = embedders.get(modelKey(model, revision));
      if (embedder !== undefined) return await embedTexts(embedder, texts, { as });
      const names = [...profiles.keys()].join(", ");
      throw new ReembedError(
        "profile_unknown",
        `No model is loaded for a profile ${profile}; the profiles are ${names}.`,
      );
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
