import { type GuardrailSettings, type GuardWindow, type Rollout, saysSomething } from "@reembed/core";
import type { Database } from "../database/database.ts";
import { readGuardWindow, readKeptWindow } from "./guard-window.ts";
import { isRetired } from "./retirement.ts";
import { readStageEntry } from "./rollout-events.ts";

/** How the two profiles answered, as the guardrails compare it. */
export interface ComparedWindows {
  candidate: GuardWindow;
  baseline: GuardWindow;
}

/** Undefined if there is nothing to compare: nobody gets the candidate's answers, or there are too few. */
export async function readComparedWindows(
  database: Database,
  { stage, baseline, candidate }: Rollout,
  settings: GuardrailSettings,
): Promise<ComparedWindows | undefined> {
  if (stage !== "shadow" && stage !== "canary" && stage !== "full") return undefined;
  // The baseline is finalized: there is nothing to go back to.
  if (await isRetired(database, baseline)) return undefined;
  // Both windows begin with the stage: what the candidate did before a rollback does not count again, and a bad hour of
  // the whole database is in both windows.
  const since = (await readStageEntry(database))?.changedAt;
  const range = { windowSeconds: settings.windowSeconds, since };
  const present = await readGuardWindow(database, candidate, { ...range, shadow: stage === "shadow" });
  if (!saysSomething(present, settings)) return undefined;
  // If too few subjects are left with the baseline, its last window before they were taken away is the reference.
  const usual = await readGuardWindow(database, baseline, range);
  const reference = saysSomething(usual, settings) ? usual : await readKeptWindow(database);
  return reference && { candidate: present, baseline: reference };
}
