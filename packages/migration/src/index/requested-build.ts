import { formatMoment, formatShare, ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type Decision, requestTask, type Task } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
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
  const open = await requestTask(database, { kind: "index build", profile: profile.name }, decision);
  if (open !== undefined) throw new ReembedError("task_open", describeTask(open), { exitCode: 3 });
}

/**
 * Builds the index as `reembed index build` does without options. Returns what came of it in words.
 * @param onSays Receives what is being done.
 * @param signal Ends it at once. The server goes on building, which the next run follows.
 * @throws ReembedError also if the index was built and does not reach its recall.
 */
export async function buildRequestedIndex(
  database: Database,
  name: string,
  { onSays, signal }: { onSays: (says: string) => void; signal: AbortSignal },
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

/** Who asked for what, and how far it is or what came of it. */
export function describeTask({ kind, profile, requestedBy, requestedAt, state, takenBy, says }: Task): string {
  const asked = `${requestedBy} asked for the ${kind} of ${profile} at ${formatMoment(requestedAt)}`;
  const rest: Record<Task["state"], string> = {
    waiting: "It waits for a producer to take it.",
    running: `${takenBy} builds it: ${says ?? "it has begun"}.`,
    lost:
      takenBy === null
        ? "No producer has taken it for an hour, and none will any more: ask again."
        : `${takenBy} has given no sign of life for a minute: ask again, and a build that still runs in the server is followed.`,
    done: `It is done: ${says}.`,
    failed: `It failed: ${says}`,
  };
  return `${asked}. ${rest[state]}`;
}
