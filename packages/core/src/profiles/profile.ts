import { ReembedError } from "../failures/errors.ts";
import { entries, models } from "./catalogue.ts";
import type { Model } from "./model.ts";

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

/** Chunks that models with few tokens, and with many, read whole. */
const small = { chunkSize: 1500, chunkOverlap: 150, limit: 25, threshold: 0 };
const large = { chunkSize: 6000, chunkOverlap: 300, limit: 15, threshold: 0 };
const tokensOfLarge = 4_096;

/** How a profile cuts and searches if nobody says it. The threshold lets everything through, until it is calibrated. */
export function defaultSearch({ maxTokens }: Pick<Model, "maxTokens">): typeof small {
  return maxTokens < tokensOfLarge ? small : large;
}

/** The catalogue's profiles, by name. */
export const profiles: ReadonlyMap<string, Profile> = new Map(
  entries.map(({ profile: name, id, search }) => {
    const model = models.get(id) as Model;
    const { chunkSize: size, chunkOverlap: overlap, limit, threshold } = search ?? defaultSearch(model);
    return [name, { name, chunking: { size, overlap }, model, limit, threshold }];
  }),
);

/**
 * Whether this can be a profile's name, which is part of the names of tables, schemas and queues. A chunking is added at its
 * end if the environment changes it: `bge-m3-3000-300`.
 */
export function isProfileName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,44}$/.test(name);
}

/** The name of a chunking, such as `6000-300`, and of the partition with its chunks. */
export function chunkingName({ size, overlap }: Chunking): string {
  return `${size}-${overlap}`;
}

/** Whether the environment has chosen another chunking than the profile's own, which is in its name then. */
export function isRechunked({ name, chunking }: Profile): boolean {
  return name.endsWith(`-${chunkingName(chunking)}`);
}

/**
 * A known profile with the environment's overrides applied. If the model is overridden, that model's own profile is
 * taken. If the chunking is overridden, the result is another profile with the chunking in its name, because its vectors
 * belong to other chunks.
 * @param known The profiles that there are: the catalogue's, and those that a database adds.
 * @throws ReembedError `profile_invalid` when an override contradicts the model or the chunking.
 */
export function resolveProfile(name: string, overrides: ProfileOverrides = {}, known = profiles): Profile {
  const base = baseProfile(name, overrides.modelId, known);
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

function baseProfile(name: string, modelId: string | undefined, known: ReadonlyMap<string, Profile>): Profile {
  const named = known.get(name);
  if (named === undefined) throw invalid(`There is no profile ${name}`);
  if (modelId === undefined || modelId === named.model.id) return named;
  const all = [...known.values()];
  const ofModel = all.find((entry) => entry.model.id === modelId);
  if (ofModel !== undefined) return ofModel;
  throw invalid(
    `EMBEDDING_MODEL is ${modelId}, and no profile has that model`,
    "`reembed profile list` lists the profiles with their models, and `reembed profile add` adds one.",
  );
}

function invalid(message: string, remedy?: string): ReembedError {
  return new ReembedError("profile_invalid", message, { exitCode: 2, ...(remedy === undefined ? {} : { remedy }) });
}
