import type { Embedder } from "@reembed/embedder";
import { followSettings } from "@reembed/migration/settings";
import { createMetrics, type Logger } from "@reembed/runtime";
import { type SearchApp, startSearch } from "@reembed/search";
import type { Services } from "../hosting/services.ts";

/** Starts the search as it is configured, with models that this process has open. */
export async function serveSearches(
  { config, database }: Pick<Services, "config" | "database">,
  embedders: ReadonlyMap<string, Embedder>,
  log: Logger,
): Promise<SearchApp> {
  const { host, port, apiKey, rateLimit, logQueries } = config.search;
  return await startSearch({
    ...{ database, embedders, host, port, apiKey, rateLimit, logQueries, log },
    guardrails: followSettings(database, config, (present) => present.guardrails),
    metrics: createMetrics(),
  });
}
