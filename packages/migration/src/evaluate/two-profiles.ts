import type { Config } from "@reembed/config";
import { ReembedError } from "@reembed/core";

/** @throws ReembedError `profiles_same` (exit code 2) if there is nothing to compare. */
export function requireTwoProfiles({ baseline, candidate }: Pick<Config, "baseline" | "candidate">): void {
  if (baseline.name !== candidate.name) return;
  throw new ReembedError("profiles_same", `Baseline and candidate are both ${baseline.name}.`, {
    exitCode: 2,
    remedy: "Set BASELINE_PROFILE and CANDIDATE_PROFILE to two different profiles.",
  });
}
