import { type Profile, ReembedError, requireKnownModel } from "@reembed/core";
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
  /** How embedding servers are used for these two profiles. With an `endpoint`, one embeds in place of the model's files. */
  embeddingServers: { baseline: EmbeddingServerSettings; candidate: EmbeddingServerSettings };
  models: { folder: string };
  worker: { tokenBudget: number | undefined };
}

export interface EmbeddingServer
  extends Omit<HttpEmbedderOptions, "model" | "modelsFolder" | "tokenBudget" | "observer" | "meter" | "tokenizer"> {
  /** Per million tokens; undefined if they cost nothing. */
  price?: number | undefined;
}

type EmbeddingServerSettings = Omit<EmbeddingServer, "endpoint"> & { endpoint?: string | undefined };

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

/**
 * The server that embeds for this profile: the environment's for its side, or else that of its model; undefined if its
 * model's files do.
 */
export function embeddingServerOf(
  { baseline, candidate, embeddingServers }: EmbedderSettings,
  { name, model }: Pick<Profile, "name" | "model">,
): EmbeddingServer | undefined {
  const isBaseline = name === baseline.name && name !== candidate.name;
  const { endpoint, servedModel, price, ...settings } = embeddingServers[isBaseline ? "baseline" : "candidate"];
  const configured = endpoint !== undefined && (isBaseline || name === candidate.name);
  if (configured) return { ...settings, endpoint, servedModel, price };
  if (model.endpoint === undefined) return undefined;
  const { address, servedName, pricePerMillion } = model.endpoint;
  return { ...settings, endpoint: address, servedModel: servedName, price: price ?? pricePerMillion };
}

/**
 * The device on which this process embeds for a profile: `http`, for an embedding server, or that of `--device`.
 * @throws ReembedError `device_contradicts` (exit code 2) if `--device` was `asked` for although the profile has a server.
 */
export function chooseDevice(config: EmbedderSettings, profile: Profile, device: string, asked: boolean): string {
  const server = embeddingServerOf(config, profile);
  if (server === undefined) return device;
  if (!asked) return httpDevice;
  throw new ReembedError(
    "device_contradicts",
    `--device ${device} was given, but the embedding server at ${new URL(server.endpoint).origin} embeds for ${profile.name}.`,
    { exitCode: 2, remedy: `Leave --device out, or unset ${server.variables}_ENDPOINT.` },
  );
}

/** Starts a profile's model: its embedding server if it has one, otherwise its files on a device. */
export async function startProfileEmbedder(
  profile: Profile,
  settings: EmbedderSettings,
  { device, threads, log, observer, meter, patience }: ProfileEmbedderOptions,
): Promise<Embedder> {
  const { name, model } = profile;
  requireKnownModel({ name, model: model.id });
  const { models, worker } = settings;
  const { tokenBudget } = worker;
  const server = embeddingServerOf(settings, profile);
  const common = { model, modelsFolder: models.folder, tokenBudget, ...(observer === undefined ? {} : { observer }) };
  if (server !== undefined) return await startHttpEmbedder({ ...common, ...server, ...patience, meter });
  const embedder = await startOnnxEmbedder({ ...common, device, threads });
  const prepared = (await listPrepared(modelFolder(model, models.folder))).map((graph) => graph.device);
  if (!prepared.includes(device.replace(/:.*/, ""))) {
    log.warn(`${model.id} runs its exported graph; \`reembed model prepare ${model.id}\` makes it faster`);
  }
  return embedder;
}
