import type { RegisteredProfile } from "@reembed/store/profiles";

/** That a profile's backfill is not complete, as a sentence; undefined if it is. */
export function describeIncomplete({ name, state }: Pick<RegisteredProfile, "name" | "state">): string | undefined {
  return state === "backfilled" ? undefined : `The backfill of ${name} is not complete: it is ${state}.`;
}
