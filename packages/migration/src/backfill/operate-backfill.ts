import { ReembedError } from "@reembed/core";
import { forgetPriorities, prioritiseSearchedChunks } from "@reembed/store/changes";
import type { Database } from "@reembed/store/database";
import { type Decision, recordChange } from "@reembed/store/operators";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { type BackfillSettings, setBackfillSettings, setPaused, startBackfill } from "@reembed/store/progress";
import { type BackfillQueue, withdrawBackfill } from "./backfill-queue.ts";
import { reopenIncompleteBackfill } from "./reopen-backfill.ts";

/** Starts the backfill of a registered profile. Returns whether there were any chunks. */
export async function beginBackfill(database: Database, profile: RegisteredProfile): Promise<boolean> {
  if (!(await startBackfill(database, profile))) return false;
  if (profile.backfillOrder === "most-searched") await prioritiseSearchedChunks(database, profile);
  return true;
}

/** The result of `reembed backfill start`. */
export interface StartedBackfill {
  /** The profile after the change. */
  profile: RegisteredProfile;
  /** Number of chunks that were withdrawn from the queue, to be enqueued with the new settings. */
  withdrawn: number;
  /** Number of prioritised chunks, which searches ask for most and which go first. */
  prioritised: number;
}

/**
 * Sets a backfill's order, share and rate, and starts or resumes it. Waiting batches are withdrawn first, so that the new
 * settings apply from the next batch on.
 * @throws ReembedError `backfill_over` (exit code 3) if there is nothing to start.
 */
export async function startOrAdjustBackfill(
  on: BackfillQueue,
  profile: RegisteredProfile,
  settings: BackfillSettings,
  decision: Decision,
): Promise<StartedBackfill> {
  const { database } = on;
  const lost = await reopenIncompleteBackfill(database, profile, 0);
  if (lost === 0) refuseOver(profile);
  const withdrawn = profile.state === "backfilling" ? await withdrawBackfill(on, profile) : 0;
  await forgetPriorities(database, profile);
  await setBackfillSettings(database, profile, settings);
  await record(database, profile, describeSettings(settings), decision);
  const changed = await readProfile(database, profile.name);
  let prioritised = 0;
  if (changed.state === "registered") await startBackfill(database, changed);
  if (settings.order === "most-searched") prioritised = await prioritiseSearchedChunks(database, changed);
  return { profile: await readProfile(database, profile.name), withdrawn, prioritised };
}

/**
 * Pauses a backfill: no chunk of it is enqueued any more, and waiting ones are withdrawn. Returns the number of withdrawn
 * chunks. A tick that is running may still enqueue some; the next one withdraws them.
 * @throws ReembedError `backfill_over` (exit code 3) if there is nothing to pause.
 */
export async function pauseBackfill(
  on: BackfillQueue,
  profile: RegisteredProfile,
  decision: Decision,
): Promise<number> {
  refuseOver(profile);
  if (await setPaused(on.database, profile, true)) await record(on.database, profile, "paused", decision);
  return await withdrawBackfill(on, profile);
}

/**
 * Resumes a paused backfill with the next tick.
 * @throws ReembedError `backfill_over` (exit code 3) if there is nothing to resume.
 */
export async function resumeBackfill(
  { database }: BackfillQueue,
  profile: RegisteredProfile,
  decision: Decision,
): Promise<boolean> {
  refuseOver(profile);
  const resumed = await setPaused(database, profile, false);
  const resumedAs = describeBackfillSettings({ ...profile, paused: false });
  if (resumed) await record(database, profile, resumedAs, decision);
  return resumed;
}

/** `paused`, `not started`, or `oldest first, up to 10 %, at most 200 chunks/s`. */
export function describeBackfillSettings(
  profile: Pick<RegisteredProfile, "state" | "paused" | "backfillOrder" | "backfillUntil" | "backfillRate">,
): string {
  if (profile.paused) return "paused";
  if (profile.state !== "backfilling") return profile.state === "registered" ? "not started" : profile.state;
  const { backfillOrder: order, backfillUntil: until, backfillRate: rate } = profile;
  return describeSettings({ order, until, rate });
}

/** Why a backfill with a rate enqueues less than it could, which is no reason to stand still. */
export function describeRateLimit(rate: number): string {
  return `It is limited to ${rate} chunks/s.`;
}

function describeSettings({ order, until, rate }: BackfillSettings): string {
  return [
    { id: "oldest first", newest: "newest first", "most-searched": "most searched first" }[order],
    ...(until === null ? [] : [`up to ${Number((100 * until).toFixed(2))} %`]),
    ...(rate === null ? [] : [`at most ${rate} chunks/s`]),
  ].join(", ");
}

async function record(database: Database, profile: RegisteredProfile, toValue: string, decision: Decision) {
  const fromValue = describeBackfillSettings(profile);
  const subject = `backfill of ${profile.name}`;
  await recordChange(database, { subject, fromValue, toValue }, decision);
}

function refuseOver({ name, state }: RegisteredProfile): void {
  if (state === "registered" || state === "backfilling") return;
  const why = {
    adopting: "its vectors are being copied from the adopted table",
    backfilled: "it has come to its end, and workers embed what changes",
    retired: "it is retired",
  }[state];
  throw new ReembedError("backfill_over", `There is no backfill of ${name} to start, pause or resume: ${why}.`, {
    exitCode: 3,
  });
}
