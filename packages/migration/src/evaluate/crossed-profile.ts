import { type Profile, resolveProfile } from "@reembed/core";
import type { RegisteredProfile } from "@reembed/store/profiles";

type Known = ReadonlyMap<string, Profile>;

/**
 * The profile of a model with the other profile's chunks; undefined for an adopted chunking.
 * @param known The profiles that can be chosen.
 */
export function crossedProfile(
  { model }: Pick<RegisteredProfile, "model">,
  { chunking }: Pick<RegisteredProfile, "chunking">,
  known: Known,
): Profile | undefined {
  const [, size, overlap] = /^(\d+)-(\d+)$/.exec(chunking) ?? [];
  const ofModel = [...known.values()].find((profile) => profile.model.id === model);
  if (size === undefined || ofModel === undefined) return undefined;
  return resolveProfile(ofModel.name, { chunkSize: Number(size), chunkOverlap: Number(overlap) }, known);
}

/** The commands that build a profile in the database, while a producer runs. */
export function buildingCommands({ name, model, chunking }: Profile, known: Known): string[] {
  const registered = [...known.values()].find((profile) => profile.model.id === model.id)?.name ?? name;
  const environment = `CANDIDATE_PROFILE=${registered} MAX_CHUNK_SIZE=${chunking.size} CHUNK_OVERLAP=${chunking.overlap}`;
  return [`${environment} npx reembed init`, `${environment} npx reembed worker`];
}
