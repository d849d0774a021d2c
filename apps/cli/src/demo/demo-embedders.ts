import { activeProfiles, type Config } from "@reembed/config";
import { modelKey } from "@reembed/core";
import { type Embedder, keepOpen, startProfileEmbedder } from "@reembed/embedder";
import type { Logger } from "@reembed/runtime";

/** Opens one embedder per active profile, which application, workers and search of the demo share. */
export async function openEmbedders(
  config: Config,
  log: Logger,
  scope: AsyncDisposableStack,
): Promise<Map<string, Embedder>> {
  const embedders = new Map<string, Embedder>();
  for (const profile of activeProfiles(config)) {
    const { id, revision } = profile.model;
    embedders.set(
      modelKey(id, revision),
      scope.use(await startProfileEmbedder(profile, config, { device: "cpu", log })),
    );
  }
  return embedders;
}

/** An embedder that fails while `broken` returns true: the demo's fault. */
export function breakable(embedder: Embedder, broken: () => boolean): Embedder {
  return {
    ...keepOpen(embedder),
    embed(texts, reading) {
      if (broken()) throw new Error("The demo has broken this model on purpose.");
      return embedder.embed(texts, reading);
    },
  };
}
