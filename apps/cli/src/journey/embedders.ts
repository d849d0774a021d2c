import { activeProfiles, type Config } from "@reembed/config";
import { type Model, modelKey } from "@reembed/core";
import { type Embedder, startProfileEmbedder } from "@reembed/embedder";
import { startSpendingMeter } from "@reembed/migration/spending";
import type { Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";

/** The models of a migration, which all parts of one process share. */
export interface Embedders {
  of(model: Model): Embedder;
  /** By the `modelKey` of their model. */
  byKey: ReadonlyMap<string, Embedder>;
}

interface OpenOptions {
  /** Where spending on embedding servers is counted. */
  database: Database;
  device: string;
  /** Whether nothing is sent to an embedding server beyond its profile's budget. */
  withinBudget?: boolean;
  log: Logger;
  scope: AsyncDisposableStack;
}

/** Starts the model of each active profile once. A profile that was adopted as it is has none. */
export async function openEmbedders(
  config: Config,
  { database, device, withinBudget = false, log, scope }: OpenOptions,
): Promise<Embedders> {
  const byKey = new Map<string, Embedder>();
  for (const profile of activeProfiles(config)) {
    const key = modelKey(profile.model.id, profile.model.revision);
    if (profile.model.unknown || byKey.has(key)) continue;
    const meter = scope.use(startSpendingMeter({ database, config, profile, log }));
    if (withinBudget) meter?.keepWithinBudget();
    byKey.set(key, scope.use(await startProfileEmbedder(profile, config, { device, log, meter })));
  }
  return {
    byKey,
    of({ id, revision }) {
      const embedder = byKey.get(modelKey(id, revision));
      if (embedder === undefined) throw new TypeError(`There is no embedder of ${id}`);
      return embedder;
    },
  };
}
