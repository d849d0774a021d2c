import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import type { AnnSettings } from "@reembed/store/schema";
import { findUnreachable } from "@reembed/store/search";

/** Which of its own vectors an index does not find. */
export interface Reach {
  /** Number of vectors that were searched for. */
  searched: number;
  /** Whether there are more vectors than were searched for. */
  sampled: boolean;
  unreachable: number[];
}

export interface ReachTask {
  database: Database;
  profile: RegisteredProfile;
  settings: Pick<AnnSettings, "kind" | "searchSetting">;
  /** Number of vectors of the profile. */
  vectors: number;
  /** Maximum number of vectors to search for; if there are more, a sample is chosen by a hash of the ids. */
  atMost: number;
  onSearched?: (searched: number) => void;
}

/** Searches for each vector through the index, with as many results as a search of the profile has. */
export async function measureReach({
  database,
  profile,
  settings,
  vectors,
  atMost,
  onSearched = () => {},
}: ReachTask): Promise<Reach> {
  const every = Math.max(1, Math.ceil(vectors / atMost));
  const reach: Reach = { searched: 0, sampled: every > 1, unreachable: [] };
  for await (const page of findUnreachable(database, profile, { ...settings, limit: profile.limit, every })) {
    reach.searched += page.searched;
    reach.unreachable.push(...page.unreachable);
    onSearched(reach.searched);
  }
  return reach;
}

/** This many lost vectors can be compared exactly in each search, which takes some milliseconds. */
export const servedExactly = 1_000;

/**
 * The lowest setting, doubled from the given one, at which no more vectors are lost than searches can compare exactly.
 * Only lost vectors are searched for again. If there is none, the highest setting.
 */
export async function widen(
  reach: Reach,
  { database, profile, settings, most }: Pick<ReachTask, "database" | "profile" | "settings"> & { most: number },
): Promise<{ searchSetting: number; unreachable: number[] }> {
  let { searchSetting } = settings;
  let { unreachable } = reach;
  while (unreachable.length > servedExactly && searchSetting < most) {
    searchSetting = Math.min(most, 2 * searchSetting);
    const options = { ...settings, searchSetting, limit: profile.limit, every: 1, among: unreachable };
    unreachable = [];
    for await (const page of findUnreachable(database, profile, options)) unreachable.push(...page.unreachable);
  }
  return { searchSetting, unreachable };
}
