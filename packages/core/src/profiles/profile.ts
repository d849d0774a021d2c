import { ReembedError } from "../failures/errors.ts";
import { type Model, models } from "./model.ts";

/** How documents are cut. Size and overlap are in characters (Unicode code points); written `1500-150`. */
export interface Chunking {
  size: number;
  overlap: number;
}

/** Chunking + model + search settings: the unit that is built, evaluated, routed to and retired. */
export interface Profile {
  name: string;
  chunking: Chunking;
  model: Model;
  /** Maximum number of results of one search. */
  limit: number;
  /** Minimum cosine similarity of a result. */
  threshold: number;
}

/** The migration plan's overrides of the candidate; see `.env.example`. */
export interface ProfileOverrides {
  modelId?: string | undefined;
  dimensions?: number | undefined;
  chunkSize?: number | undefined;
  chunkOverlap?: number | undefined;
  limit?: number | undefined;
  threshold?: number | undefined;
}

const small: Chunking = { size: 1500, overlap: 150 };
const large: Chunking = { size: 6000, overlap: 300 };

const registry: readonly Profile[] = [
  profile("rubert-tiny2", "cointegrated/rubert-tiny2", { chunking: small, limit: 25, threshold: 0.4 }),
  profile("bge-m3", "BAAI/bge-m3", { chunking: large, limit: 15, threshold: 0.5 }),
  profile("mini-rubert", "mini-rubert", { chunking: small, limit: 25, threshold: 0.4 }),
  profile("mini-m3", "mini-m3", { chunking: large, limit: 15, threshold: 0.5 }),
];

export const profiles: ReadonlyMap<string, Profile> = new Map(registry.map((entry) => [entry.name, entry]));

/** The name of a chunking, such as `6000-300`, and of the partition with its chunks. */
export function chunkingName({ size, overlap }: Chunking): string {
  return `${size}-${overlap}`;
}

/** Whether the environment has chosen another chunking than the profile's own, which is in its name then. */
export function isRechunked({ name, chunking }: Profile): boolean {
  return name.endsWith(`-${chunkingName(chunking)}`);
}

/**
 * A registered profile with the environment's overrides applied. If the model is overridden, that model's own profile is
 * taken. If the chunking is overridden, the result is another profile with the chunking in its name, because its vectors
 * belong to other chunks.
 * @throws ReembedError `profile_invalid` when an override contradicts the model or the chunking.
 */
export function resolveProfile(name: string, overrides: ProfileOverrides = {}): Profile {
  const base = baseProfile(name, overrides.modelId);
  const { dimensions, chunkSize, chunkOverlap } = overrides;
  if (dimensions !== undefined && dimensions !== base.model.dimensions) {
    throw invalid(`EMBEDDING_DIMENSION is ${dimensions}, but ${base.model.id} has ${base.model.dimensions} dimensions`);
  }
  const chunking = { size: chunkSize ?? base.chunking.size, overlap: chunkOverlap ?? base.chunking.overlap };
  if (chunking.overlap * 2 > chunking.size) {
    throw invalid(`CHUNK_OVERLAP is ${chunking.overlap}, more than half of MAX_CHUNK_SIZE, which is ${chunking.size}`);
  }
  const rechunked = chunkingName(chunking) !== chunkingName(base.chunking);
  return {
    ...base,
    name: rechunked ? `${base.name}-${chunkingName(chunking)}` : base.name,
    chunking,
    limit: overrides.limit ?? base.limit,
    threshold: overrides.threshold ?? base.threshold,
  };
}

function baseProfile(name: string, modelId: string | undefined): Profile {
  const named = profiles.get(name);
  if (named === undefined)
    throw invalid(`There is no profile ${name}; the profiles are ${[...profiles.keys()].join(", ")}`);
  if (modelId === undefined || modelId === named.model.id) return named;
  const ofModel = registry.find((entry) => entry.model.id === modelId);
  if (ofModel === undefined) {
    throw invalid(`EMBEDDING_MODEL is ${modelId}; the registered models are ${[...models.keys()].join(", ")}`);
  }
  return ofModel;
}

function profile(name: string, modelId: string, settings: Omit<Profile, "name" | "model">): Profile {
  const model = models.get(modelId);
  if (model === undefined) throw new TypeError(`Profile ${name} names the unregistered model ${modelId}`);
  return { name, model, ...settings };
}

function invalid(message: string): ReembedError {
  return new ReembedError("profile_invalid", message, { exitCode: 2 });
}
