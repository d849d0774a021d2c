import { type AnnSettings, type Database, findUnreachable, type RegisteredProfile } from "@reembed/store";

/** Which vectors an index does not find by themselves. */
export interface Reach {
  /** Vectors that looked for themselves. */
  looked: number;
  /** Whether there are more than looked. */
  sampled: boolean;
  unreachable: number[];
}

export interface ReachTask {
  database: Database;
  profile: RegisteredProfile;
  settings: Pick<AnnSettings, "kind" | "breadth">;
  /** Vectors that there are. */
  vectors: number;
  /** Vectors that look at most: of more, so many by a hash of their ids. */
  atMost: number;
  onLooked?: (looked: number) => void;
}

/** Has vectors look for themselves, as many results wide as a search of the profile is. */
export async function measureReach({
  database,
  profile,
  settings,
  vectors,
  atMost,
  onLooked = () => {},
}: ReachTask): Promise<Reach> {
  const every = Math.max(1, Math.ceil(vectors / atMost));
  const reach: Reach = { looked: 0, sampled: every > 1, unreachable: [] };
  for await (const page of findUnreachable(database, profile, { ...settings, limit: profile.limit, every })) {
    reach.looked += page.looked;
    reach.unreachable.push(...page.unreachable);
    onLooked(reach.looked);
  }
  return reach;
}

/** Beside the index a search looks at so many vectors exactly: some milliseconds. */
export const servedExactly = 1_000;

/**
 * The least breadth from here on, doubled, at which no more vectors are lost than searches can look at exactly; only
 * those that were lost look again. Where there is none, the widest.
 */
export async function widen(
  reach: Reach,
  { database, profile, settings, most }: Pick<ReachTask, "database" | "profile" | "settings"> & { most: number },
): Promise<{ breadth: number; unreachable: number[] }> {
  let { breadth } = settings;
  let { unreachable } = reach;
  while (unreachable.length > servedExactly && breadth < most) {
    breadth = Math.min(most, 2 * breadth);
    const options = { ...settings, breadth, limit: profile.limit, every: 1, among: unreachable };
    unreachable = [];
    for await (const page of findUnreachable(database, profile, options)) unreachable.push(...page.unreachable);
  }
  return { breadth, unreachable };
}
