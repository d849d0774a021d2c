import { servingProfile } from "@reembed/core";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { rolloutBucket } from "@reembed/store/rollout";
import { Problem } from "../http/problem.ts";
import type { Routes } from "./followed-rollout.ts";

/**
 * The profile that answers: the requested one, or the one that the rollout chooses for this subject.
 * @param subject Who searches; without one, the request's id, so that each request is routed by itself.
 * @throws Problem if the profile does not exist.
 */
export function chooseProfile(
  { rollout, profiles }: Routes,
  subject: string,
  asked: string | undefined,
): RegisteredProfile {
  const profile = profiles.get(asked ?? servingProfile(rollout, rolloutBucket(subject, rollout.salt)));
  if (profile !== undefined) return profile;
  const names = [...profiles.keys()].join(", ");
  if (asked !== undefined)
    throw new Problem(400, "profile_unknown", `There is no such profile; the profiles are ${names}.`);
  throw new Problem(
    503,
    "profile_missing",
    `The profile of the rollout does not exist any more; the profiles are ${names}.`,
  );
}
