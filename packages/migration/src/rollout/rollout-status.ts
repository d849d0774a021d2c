import type { Config } from "@reembed/config";
import type { GuardWindow, Rollout } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { lastEvaluation } from "@reembed/store/evaluation";
import { type RolloutEvent, readGuardWindow, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import type { EvaluationVerdict } from "@reembed/store/schema";
import { countShadowed } from "@reembed/store/search";
import { findObjections, type Objection } from "./objections.ts";
import { type Readiness, readReadiness } from "./readiness.ts";

/** The output of `reembed rollout status --json` and of every command that changes the rollout. */
export interface RolloutStatus extends Omit<Rollout, "salt"> {
  /** Baseline and candidate: whether each could answer everybody now, and how it has answered lately. */
  profiles: (Readiness & { role: "baseline" | "candidate"; window: GuardWindow })[];
  windowSeconds: number;
  /** Objections to a greater share of the candidate; empty if there are none. */
  objections: Objection[];
  evaluation: { verdict: EvaluationVerdict; at: Date } | null;
  /** The last changes, newest first. */
  changes: Omit<RolloutEvent, "baselineWindow">[];
}

const shownChanges = 10;

export async function readRolloutStatus(database: Database, config: Config): Promise<RolloutStatus> {
  const { salt, ...rollout } = await readRollout(database);
  const { windowSeconds } = config.guardrails;
  const profiles: RolloutStatus["profiles"] = [];
  for (const role of ["baseline", "candidate"] as const) {
    const name = rollout[role];
    const window = await readGuardWindow(database, name, { windowSeconds, shadow: rollout.stage === "shadow" });
    profiles.push({ role, ...(await readReadiness(database, name)), window });
  }
  const evaluation = await lastEvaluation(database, rollout);
  const events = await readRolloutEvents(database, shownChanges);
  const [baseline, candidate] = profiles;
  const shadowed = await countShadowed(database, rollout);
  const options = {
    embedded: config.databaseUrl === undefined,
    maxQuarantinedShare: config.maxQuarantinedShare,
    leastSearches: config.guardrails.leastSearches,
  };
  return {
    ...rollout,
    profiles,
    windowSeconds,
    objections: baseline && candidate ? findObjections({ baseline, candidate, evaluation, shadowed }, options) : [],
    evaluation: evaluation === undefined ? null : { verdict: evaluation.verdict, at: evaluation.evaluatedAt },
    changes: events.map(({ baselineWindow, ...event }) => event),
  };
}
