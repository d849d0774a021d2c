import { models, type Profile, type ProfileOverrides, profiles, resolveProfile } from "@reembed/core";
import type { z } from "zod";
import { Environment } from "./environment.ts";
import { unknownProfile } from "./unknown-profile.ts";

export const ProfileVariables = Environment.pick({
  BASELINE_PROFILE: true,
  CANDIDATE_PROFILE: true,
  EMBEDDING_MODEL: true,
  EMBEDDING_DIMENSION: true,
  MAX_CHUNK_SIZE: true,
  CHUNK_OVERLAP: true,
  SEARCH_LIMIT: true,
  SIMILARITY_THRESHOLD: true,
});
type ProfileVariables = z.infer<typeof ProfileVariables>;

/** What the environment says about the two profiles. */
export interface ChosenProfiles {
  baseline: string;
  candidate: string;
  /** Changes of the candidate. */
  overrides: ProfileOverrides;
}

export function chosenProfiles(env: ProfileVariables): ChosenProfiles {
  return {
    baseline: env.BASELINE_PROFILE,
    candidate: env.CANDIDATE_PROFILE,
    overrides: {
      modelId: env.EMBEDDING_MODEL,
      dimensions: env.EMBEDDING_DIMENSION,
      chunkSize: env.MAX_CHUNK_SIZE,
      chunkOverlap: env.CHUNK_OVERLAP,
      limit: env.SEARCH_LIMIT,
      threshold: env.SIMILARITY_THRESHOLD,
    },
  };
}

/** Whether the chosen profiles can be resolved without a database. */
export function isInCatalogue({ chosen }: { chosen: ChosenProfiles }): boolean {
  const { baseline, candidate, overrides } = chosen;
  const named = profiles.has(baseline) && profiles.has(candidate);
  return named && (overrides.modelId === undefined || models.has(overrides.modelId));
}

/** @throws ReembedError `profile_unknown` or `profile_invalid` (exit code 2). */
export function resolveChosen(
  { baseline, candidate, overrides }: ChosenProfiles,
  known: ReadonlyMap<string, Profile>,
): Record<"baseline" | "candidate", Profile> {
  const missing = [baseline, candidate].find((name) => !known.has(name));
  if (missing !== undefined) throw unknownProfile(missing, known.keys());
  return {
    baseline: resolveProfile(baseline, {}, known),
    candidate: resolveProfile(candidate, overrides, known),
  };
}
