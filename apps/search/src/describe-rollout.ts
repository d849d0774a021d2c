import type { RegisteredProfile } from "@reembed/store/profiles";
import type { SearchContext } from "./answer/answer-search.ts";

/** What the page shows above the results: the profiles, and whom each one answers. */
export async function describeRollout({ rollout, coverage }: Pick<SearchContext, "rollout" | "coverage">) {
  const { rollout: now, profiles } = rollout.routes;
  const { stage, percent, shadowPercent, baseline, candidate } = now;
  const describe = async (profile: RegisteredProfile | undefined) => {
    if (profile === undefined) return null;
    const { name, model, dimensions, chunking, limit, threshold } = profile;
    return { name, model, dimensions, chunking, limit, threshold, coverage: await coverage.coverageOf(profile) };
  };
  return {
    stage,
    percent,
    shadowPercent,
    baseline: await describe(profiles.get(baseline)),
    candidate: await describe(profiles.get(candidate)),
  };
}
