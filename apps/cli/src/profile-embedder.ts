import type { Config } from "@reembed/config";
import type { Profile } from "@reembed/core";
import {
  type Embedder,
  type EmbedderObserver,
  listPrepared,
  modelFolder,
  startHttpEmbedder,
  startOnnxEmbedder,
} from "@reembed/embedder";
import type { Logger } from "@reembed/runtime";

/** The device of embedders that leave the model to a server. */
export const httpDevice = "http";

export interface ProfileEmbedderOptions {
  device: string;
  log: Logger;
  observer?: EmbedderObserver;
}

/** Whether EMBEDDING_ENDPOINT embeds for this profile: it does for the candidate. */
export function servedByEndpoint({ candidate, embeddingServer }: Config, profile: string): boolean {
  return embeddingServer !== undefined && profile === candidate.name;
}

/** Starts a profile's model on a device, or on the server of EMBEDDING_ENDPOINT where the device is `http`. */
export async function startProfileEmbedder(
  { model }: Profile,
  { embeddingServer, models, worker: { tokenBudget } }: Config,
  { device, log, observer }: ProfileEmbedderOptions,
): Promise<Embedder> {
  const common = { model, modelsFolder: models.folder, tokenBudget, ...(observer === undefined ? {} : { observer }) };
  if (device === httpDevice && embeddingServer !== undefined) {
    return await startHttpEmbedder({ ...common, ...embeddingServer });
  }
  const embedder = await startOnnxEmbedder({ ...common, device });
  const prepared = (await listPrepared(modelFolder(model, models.folder))).map((graph) => graph.device);
  if (!prepared.includes(device.replace(/:.*/, ""))) {
    log.warn(`${model.id} runs as it was exported; \`reembed model prepare ${model.id}\` makes it faster`);
  }
  return embedder;
}
