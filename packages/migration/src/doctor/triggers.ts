import { readTriggerFacts, type TriggerFacts } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { adoptedTables } from "./rights.ts";

export const checkTriggers: Check = async ({ database, registered }) => {
  if (database === undefined) return [];
  const findings: Finding[] = [];
  for (const table of adoptedTables(registered)) {
    findings.push(...judgeTriggers(table, await readTriggerFacts(database, table)));
  }
  return findings;
};

const found = "The producer finds such changes by itself, 1,000 texts a tick, and not at once.";

/** What writes to an application's table without a trigger of ours being fired. */
export function judgeTriggers(table: string, facts: TriggerFacts): Finding[] {
  const { disabled, subscriptions, always, triggers, children, replicaRoles } = facts;
  const check = `triggers on ${table}`;
  const enable = (how: string) => `Have its owner run ALTER TABLE ${table} ENABLE ${how}. ${found}`;
  const findings: Finding[] = [];
  if (disabled.length > 0) {
    findings.push(warning(check, `${disabled.join(", ")} disabled: edits are missed`, enable("TRIGGER USER")));
  }
  if (always < triggers || triggers === 0) {
    const replica = enable("ALWAYS TRIGGER reembed_insert, and likewise for each trigger whose name begins so");
    if (subscriptions.length > 0) {
      const says = `the subscription ${subscriptions.join(", ")} writes to the table, and triggers do not fire for it`;
      findings.push(warning(check, says, replica));
    }
    for (const role of replicaRoles) {
      const who = role === "" ? "every role" : role;
      findings.push(
        warning(check, `session_replication_role is replica for ${who}, for whom triggers do not fire`, replica),
      );
    }
  }
  if (children.length > 0) {
    const says = `rows of ${children.join(", ")}, which inherit from the table, are read, and their edits are missed`;
    findings.push(warning(check, says, `Make it a partitioned table, for which triggers fire. ${found}`));
  }
  if (findings.length > 0 || triggers === 0) return findings;
  return [ok(check, `${triggers} of them tell of every change`)];
}
