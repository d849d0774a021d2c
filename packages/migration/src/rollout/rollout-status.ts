import type { GuardWindow, Rollout } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { type RolloutEvent, readGuardWindow, readRollout, readRolloutEvents } from "@reembed/store/rollout";
import type { EvaluationVerdict } from "@reembed/store/schema";
import { guardOptions, type RolloutConfig, readEvidence } from "./evidence.ts";
import { findObjections, type Objection } from "./objections.ts";
import type { Readiness } from "./readiness.ts";

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

export async function readRolloutStatus(database: Database, config: RolloutConfig): Promise<RolloutStatus> {
  const rollout = await readRollout(database);
  const { salt, ...shown } = rollout;
  const { windowSeconds } = config.guardrails;
  const evidence = await readEvidence(database, rollout);
  const profiles: RolloutStatus["profiles"] = [];
  for (const role of ["baseline", "candidate"] as const) {
    const window = await readGuardWindow(database, rollout[role], {
      windowSeconds,
      shadow: rollout.stage === "shadow",
    });
    profiles.push({ role, ...evidence[role], window });
  }
  const { evaluation } = evidence;
  const events = await readRolloutEvents(database, shownChanges);
  return {
    ...shown,
    profiles,
    windowSeconds,
    objections: findObjections(evidence, guardOptions(config)),
    evaluation: evaluation === undefined ? null : { verdict: evaluation.verdict, at: evaluation.evaluatedAt },
    changes: events.map(({ baselineWindow, ...event }) => event),
  };
}
