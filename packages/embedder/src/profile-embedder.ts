import { type Profile, ReembedError } from "@reembed/core";
import type { Embedder, EmbedderObserver } from "./embedder.ts";
import { type HttpEmbedderOptions, startHttpEmbedder } from "./http/http-embedder.ts";
import type { TokenMeter } from "./http/token-meter.ts";
import { modelFolder } from "./models/model-files.ts";
import { listPrepared } from "./models/prepared-graph.ts";
import { startOnnxEmbedder } from "./onnx/onnx-embedder.ts";

/** The device of embedders that use an embedding server. */
export const httpDevice = "http";

/** What of the configuration says where a profile's model runs. */
export interface EmbedderSettings {
  baseline: Pick<Profile, "name">;
  candidate: Pick<Profile, "name">;
  /** The servers that embed for these two profiles, in place of the models' own files. */
  embeddingServers: { baseline: EmbeddingServer | undefined; candidate: EmbeddingServer | undefined };
  models: { folder: string };
  worker: { tokenBudget: number | undefined };
}

export interface EmbeddingServer
  extends Omit<HttpEmbedderOptions, "model" | "modelsFolder" | "tokenBudget" | "observer" | "meter" | "tokenizer"> {
  /** Per million tokens; undefined if they cost nothing. */
  price?: number | undefined;
}

export interface ProfileEmbedderOptions {
  device: string;
  /** Threads of a run on the CPU; by default one per core. */
  threads?: number | undefined;
  log: { warn(message: string): void };
  observer?: EmbedderObserver;
  /** Counts what an embedding server is paid for. */
  meter?: TokenMeter | undefined;
  /** Time limits for an embedding server; by default it retries for some time. */
  patience?: Pick<HttpEmbedderOptions, "timeoutMs" | "retries">;
}

/** The server that embeds for this profile; undefined if its model's files do. */
export function embeddingServerOf(
  { baseline, candidate, embeddingServers }: EmbedderSettings,
  profile: string,
): EmbeddingServer | undefined {
  if (profile === candidate.name) return embeddingServers.candidate;
  return profile === baseline.name ? embeddingServers.baseline : undefined;
}

/**
 * The device on which this process embeds for a profile: `http`, for an embedding server, or that of `--device`.
 * @throws ReembedError `device_contradicts` (exit code 2) if `--device` was `asked` for although the profile has a server.
 */
export function chooseDevice(config: EmbedderSettings, profile: string, device: string, asked: boolean): string {
  const server = embeddingServerOf(config, profile);
  if (server === undefined) return device;
  if (!asked) return httpDevice;
  throw new ReembedError(
    "device_contradicts",
    `--device ${device} was given, but ${server.variables}_ENDPOINT is set: its server embeds for ${profile}.`,
    { exitCode: 2, remedy: `Leave --device out, or unset ${server.variables}_ENDPOINT.` },
  );
}

/** Starts a profile's model: its embedding server if it has one, otherwise its files on a device. */
export async function startProfileEmbedder(
  { name, model }: Profile,
  settings: EmbedderSettings,
  { device, threads, log, observer, meter, patience }: ProfileEmbedderOptions,
): Promise<Embedder> {
  const { models, worker } = settings;
  const { tokenBudget } = worker;
  const server = embeddingServerOf(settings, name);
  const common = { model, modelsFolder: models.folder, tokenBudget, ...(observer === undefined ? {} : { observer }) };
  if (server !== undefined) return await startHttpEmbedder({ ...common, ...server, ...patience, meter });
  const embedder = await startOnnxEmbedder({ ...common, device, threads });
  const prepared = (await listPrepared(modelFolder(model, models.folder))).map((graph) => graph.device);
  if (!prepared.includes(device.replace(/:.*/, ""))) {
    log.warn(`${model.id} runs its exported graph; \`reembed model prepare ${model.id}\` makes it faster`);
  }
  return embedder;
}
