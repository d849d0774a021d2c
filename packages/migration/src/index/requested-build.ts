import { formatShare } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import type { Decision } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { askFor, type Performing } from "../tasks/index.ts";
import { buildAndMeasure, defaultBuild, lostVectors, missedRecall, requireBackfilled } from "./build-and-measure.ts";

/**
 * Asks for a profile's index, which a producer then builds: it takes minutes to hours, and no request waits for that.
 * @throws ReembedError `backfill_incomplete`, or `task_open` if something was asked for already (exit code 3).
 */
export async function requestIndexBuild(
  database: Database,
  profile: RegisteredProfile,
  decision: Decision,
): Promise<void> {
  requireBackfilled(profile);
  await askFor(database, { kind: "index build", profile: profile.name }, decision);
}

/**
 * Builds the index as `reembed index build` does without options. Returns what came of it in words. If it is ended, the
 * server goes on building, which the next run follows.
 * @throws ReembedError also if the index was built and does not reach its recall.
 */
export async function buildRequestedIndex(
  database: Database,
  name: string,
  { onSays, signal }: Performing,
): Promise<string> {
  const profile = await readProfile(database, name);
  const progress = {
    step: onSays,
    show: ({ phase, share }: { phase: string; share: number | null }) =>
      onSays(share === null ? phase : `${phase}, ${formatShare(share)}`),
    [Symbol.dispose]() {},
  };
  const built = await buildAndMeasure(defaultBuild, { database, profile, progress, dryRun: false, signal });
  if (built === undefined) return "nothing was changed";
  if (!built.reached) throw missedRecall(built);
  if (built.lost > 0) throw lostVectors(built);
  return `recall@10 is ${formatShare(built.recall10)}, in ${built.searchMs} ms a search`;
}
