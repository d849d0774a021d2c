import type { Database } from "@reembed/store/database";
import { retryQuarantined } from "@reembed/store/embeddings";
import { type Decision, recordChange } from "@reembed/store/operators";
import type { RegisteredProfile } from "@reembed/store/profiles";

/** Some chunks of a quarantine, or all with a reason. */
export type ChosenChunks = { chunkIds: number[] } | { reason: string };

/**
 * Has chunks embedded again, ahead of the backfill, and records who decided that. Returns how many of those chosen were in
 * the quarantine; nothing is recorded if none was.
 */
export async function retryChunks(
  database: Database,
  profile: RegisteredProfile,
  chosen: ChosenChunks,
  decision: Decision,
): Promise<number> {
  const retried = await retryQuarantined(database, profile, chosen);
  if (retried === 0) return 0;
  const change = {
    subject: `quarantine of ${profile.name}`,
    fromValue: describeChosen(chosen, retried),
    toValue: "retried",
  };
  await recordChange(database, change, decision);
  return retried;
}

function describeChosen(chosen: ChosenChunks, retried: number): string {
  if ("reason" in chosen) return chosen.reason;
  return chosen.chunkIds.length === 1
    ? `chunk ${chosen.chunkIds[0]}`
    : `${retried} of chunks ${chosen.chunkIds.join(", ")}`;
}
