import type { RolloutStage } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { readOperatorChanges } from "@reembed/store/operators";
import { readRolloutEvents } from "@reembed/store/rollout";

/** One change, whoever made it and wherever: who, as what, of what, from where to where, and why. */
export interface AuditEntry {
  at: Date;
  by: string;
  /** The role and how it was known; null on the command line and for a guardrail. */
  as: string | null;
  what: string;
  from: string | null;
  to: string | null;
  why: string;
}

/** The last changes of the rollout and of everything else, newest first. */
export async function readAudit(database: Database, limit: number): Promise<AuditEntry[]> {
  const operators = (await readOperatorChanges(database, limit)).map(
    ({ changedAt, changedBy, changedAs, subject, fromValue, toValue, reason }): AuditEntry => ({
      ...{ at: changedAt, by: changedBy, as: changedAs, what: subject, from: fromValue, to: toValue, why: reason },
    }),
  );
  const rollout = (await readRolloutEvents(database, limit)).map((event): AuditEntry => {
    const { changedAt, changedBy, changedAs, fromStage, fromPercent, toStage, toPercent, reason, overruled } = event;
    const proofs = Object.entries(overruled).map(([proof, why]) => `${proof} overruled: ${why}`);
    return {
      ...{ at: changedAt, by: changedBy, as: changedAs, what: "rollout", why: [reason, ...proofs].join("; ") },
      ...{ from: describePlace(fromStage, fromPercent), to: describePlace(toStage, toPercent) },
    };
  });
  return [...operators, ...rollout].toSorted((one, other) => other.at.getTime() - one.at.getTime()).slice(0, limit);
}

/** Only for a canary the share does not follow from the stage. */
function describePlace(stage: RolloutStage, percent: number): string {
  return stage === "canary" ? `${stage}, ${percent} %` : stage;
}
