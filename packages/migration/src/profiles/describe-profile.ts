import {
  chunkingName,
  defaultSearch,
  isProfileName,
  type Model,
  type Profile,
  profiles,
  ReembedError,
} from "@reembed/core";

/** How a profile cuts and searches, as far as somebody says it. */
export interface SearchWish {
  chunkSize?: number;
  chunkOverlap?: number;
  limit?: number;
  threshold?: number;
}

/** Names of profiles are parts of names in PostgreSQL, which end at 63 bytes, and get the name of a chunking at their end. */
const longestName = 32;

/**
 * Checks the name of a profile that is to be added, before anything is done.
 * @throws ReembedError `profile_name_invalid` (exit code 2), or `profile_conflict` (exit code 3) for a name of the catalogue.
 */
export function requireFreeName(name: string): void {
  if (!isProfileName(name) || name.length > longestName || /-\d+-\d+$/.test(name)) {
    throw new ReembedError("profile_name_invalid", `${name} cannot be the name of a profile.`, {
      exitCode: 2,
      remedy: `It has lower-case letters, digits and hyphens, ${longestName} at most, and no chunking such as -1500-150 at its end.`,
    });
  }
  const taken = profiles.get(name);
  if (taken === undefined) return;
  throw new ReembedError("profile_conflict", `Profile ${name} is in the catalogue, with ${taken.model.id}.`, {
    exitCode: 3,
    remedy: `Use it as it is, with CANDIDATE_PROFILE=${name}, or give yours another name.`,
  });
}

/** @throws ReembedError `profile_invalid` (exit code 2) if the overlap is more than half of the size. */
export function describeProfile(name: string, model: Model, wish: SearchWish): Profile {
  const usual = usualSearch(model);
  const size = wish.chunkSize ?? usual.chunkSize;
  // A smaller chunk keeps the share of it that neighbours have in common.
  const overlap = wish.chunkOverlap ?? Math.min(usual.chunkOverlap, Math.floor(size / 10));
  if (overlap * 2 > size) {
    throw new ReembedError(
      "profile_invalid",
      `--chunk-overlap is ${overlap}, more than half of ${chunkingName({ size, overlap })}.`,
      { exitCode: 2 },
    );
  }
  const { limit = usual.limit, threshold = usual.threshold } = wish;
  return { name, model, chunking: { size, overlap }, limit, threshold };
}

/** Those of the catalogue's profile with this model, or such as fit its tokens. */
function usualSearch(model: Model): Required<SearchWish> {
  const own = [...profiles.values()].find((profile) => profile.model.id === model.id);
  if (own === undefined) return defaultSearch(model);
  const { chunking, limit, threshold } = own;
  return { chunkSize: chunking.size, chunkOverlap: chunking.overlap, limit, threshold };
}
