import { servingProfile } from "@reembed/core";
import { type RegisteredProfile, rolloutBucket } from "@reembed/store";
import { Problem } from "../http/problem.ts";
import type { Routes } from "./followed-rollout.ts";

/**
 * The profile that answers: the one that was asked for, or the one that the rollout has for this subject.
 * @param subject Who asks, or for want of that the request itself: then each is on its own.
 * @throws Problem for a profile that there is not.
 */
export function chooseProfile(
  { rollout, profiles }: Routes,
  subject: string,
  asked: string | undefined,
): RegisteredProfile {
  const profile = profiles.get(asked ?? servingProfile(rollout, rolloutBucket(subject, rollout.salt)));
  if (profile !== undefined) return profile;
  const names = [...profiles.keys()].join(", ");
  if (asked !== undefined) throw new Problem(400, "profile_unknown", `There is no such profile; there are ${names}.`);
  throw new Problem(503, "profile_missing", `The profile that the rollout names is gone; there are ${names}.`);
}
