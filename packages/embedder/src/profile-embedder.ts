import { type Profile, ReembedError } from "@reembed/core";
import type { Embedder, EmbedderObserver } from "./embedder.ts";
import { type HttpEmbedderOptions, startHttpEmbedder } from "./http/http-embedder.ts";
import { modelFolder } from "./models/model-files.ts";
import { listPrepared } from "./models/prepared-graph.ts";
import { startOnnxEmbedder } from "./onnx/onnx-embedder.ts";

/** The device of embedders that use an embedding server. */
export const httpDevice = "http";

/** What of the configuration says where a profile's model runs. */
export interface EmbedderSettings {
  candidate: Pick<Profile, "name">;
  /** The server that embeds for the candidate in place of the model's own files. */
  embeddingServer:
    | Omit<HttpEmbedderOptions, "model" | "modelsFolder" | "tokenBudget" | "observer" | "tokenizer">
    | undefined;
  models: { folder: string };
  worker: { tokenBudget: number | undefined };
}

export interface ProfileEmbedderOptions {
  device: string;
  /** Threads of a run on the CPU; by default one per core. */
  threads?: number | undefined;
  log: { warn(message: string): void };
  observer?: EmbedderObserver;
  /** Time limits for EMBEDDING_ENDPOINT; by default it retries for some time. */
  patience?: Pick<HttpEmbedderOptions, "timeoutMs" | "retries">;
}

/** Whether EMBEDDING_ENDPOINT embeds for this profile, which it only does for the candidate. */
export function servedByEndpoint({ candidate, embeddingServer }: EmbedderSettings, profile: string): boolean {
  return embeddingServer !== undefined && profile === candidate.name;
}

/**
 * The device on which this process embeds for a profile: `http`, for EMBEDDING_ENDPOINT, or that of `--device`.
 * @throws ReembedError `device_contradicts` (exit code 2) if `--device` was `asked` for although EMBEDDING_ENDPOINT is set.
 */
export function chooseDevice(config: EmbedderSettings, profile: string, device: string, asked: boolean): string {
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
  { embeddingServer, models, worker: { tokenBudget } }: EmbedderSettings,
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
