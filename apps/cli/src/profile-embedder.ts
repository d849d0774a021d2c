import type { Config } from "@reembed/config";
import { type Profile, ReembedError } from "@reembed/core";
import {
  type Embedder,
  type EmbedderObserver,
  type HttpEmbedderOptions,
  listPrepared,
  modelFolder,
  startHttpEmbedder,
  startOnnxEmbedder,
} from "@reembed/embedder";
import type { Logger } from "@reembed/runtime";

/** The device of embedders that use an embedding server. */
export const httpDevice = "http";

export interface ProfileEmbedderOptions {
  device: string;
  /** Threads of a run on the CPU; by default one per core. */
  threads?: number | undefined;
  log: Logger;
  observer?: EmbedderObserver;
  /** Time limits for EMBEDDING_ENDPOINT; by default it retries for some time. */
  patience?: Pick<HttpEmbedderOptions, "timeoutMs" | "retries">;
}

/** Whether EMBEDDING_ENDPOINT embeds for this profile, which it only does for the candidate. */
export function servedByEndpoint({ candidate, embeddingServer }: Config, profile: string): boolean {
  return embeddingServer !== undefined && profile === candidate.name;
}

/**
 * The device on which this process embeds for a profile: `http`, for EMBEDDING_ENDPOINT, or that of `--device`.
 * @throws ReembedError `device_contradicts` (exit code 2) if `--device` was `asked` for although EMBEDDING_ENDPOINT is set.
 */
export function chooseDevice(config: Config, profile: string, device: string, asked: boolean): string {
  if (!servedByEndpoint(config, profile)) return device;
  if (!asked) return httpDevice;
  throw new ReembedError(
    "device_contradicts",
    `--device ${device} was given, but EMBEDDING_ENDPOINT is set: its server embeds for ${profile}.`,
    { exitCode: 2, remedy: "Leave --device out, or unset EMBEDDING_ENDPOINT." },
  );
}

/** Starts a profile's model on a device or, if the device is `http`, uses EMBEDDING_ENDPOINT. */
export async function startProfileEmbedder(
  { model }: Profile,
  { embeddingServer, models, worker: { tokenBudget } }: Config,
  { device, threads, log, observer, patience }: ProfileEmbedderOptions,
): Promise<Embedder> {
  const common = { model, modelsFolder: models.folder, tokenBudget, ...(observer === undefined ? {} : { observer }) };
  if (device === httpDevice && embeddingServer !== undefined) {
    return await startHttpEmbedder({ ...common, ...embeddingServer, ...patience });
  }
  const embedder = await startOnnxEmbedder({ ...common, device, threads });
  const prepared = (await listPrepared(modelFolder(model, models.folder))).map((graph) => graph.device);
  if (!prepared.includes(device.replace(/:.*/, ""))) {
    log.warn(`${model.id} runs its exported graph; \`reembed model prepare ${model.id}\` makes it faster`);
  }
  return embedder;
}
