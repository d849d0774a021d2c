import { readTriggerFacts, type TriggerFacts } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { tablesOf } from "./rights.ts";

export const checkTriggers: Check = async ({ database, registered }) => {
  if (database === undefined) return [];
  const findings: Finding[] = [];
  const own = registered.flatMap(({ source, relation }) => (source === null ? [relation] : []));
  for (const table of new Set([...tablesOf(registered), ...own])) {
    findings.push(...judgeTriggers(table, await readTriggerFacts(database, table), own.includes(table)));
  }
  return findings;
};

const found = "Until then the producer finds such changes later, because it checks 1,000 texts per tick.";

/**
 * The writes to a table for which Reembed's triggers do not fire.
 * @param own Whether it is a table of Reembed, which only Reembed's role writes, and not an application's.
 */
export function judgeTriggers(table: string, facts: TriggerFacts, own = false): Finding[] {
  const { schema, disabled, missing, subscriptions, always, triggers, children, replicaRoles } = facts;
  const check = `triggers on ${table}`;
  const enable = (how: string) => `Have its owner run ALTER TABLE ${table} ENABLE ${how}. ${found}`;
  const findings: Finding[] = [];
  if (missing.length > 0 && !own) {
    const says = `${missing.join(", ")} missing: edits are not followed, as after the table was replaced under its name`;
    findings.push(problem(check, says, `Run \`reembed adopt ${table}\` again with the options of the first time.`));
  }
  if (disabled.length > 0) {
    findings.push(warning(check, `${disabled.join(", ")} disabled: edits are missed`, enable("TRIGGER USER")));
  }
  if (always < triggers || triggers === 0) {
    const replica = enable(
      `ALWAYS TRIGGER ${schema}_insert, and the same for every other trigger that begins with ${schema}_`,
    );
    if (subscriptions.length > 0) {
      const says = `the subscription ${subscriptions.join(", ")} writes to the table, and triggers do not fire for it`;
      findings.push(warning(check, says, replica));
    }
    for (const role of replicaRoles) {
      const who = role === "" ? "every role" : role;
      const holder = role === "" ? "DATABASE … (or ALTER ROLE ALL)" : `ROLE ${role}`;
      const reset = `Run ALTER ${holder} RESET session_replication_role. ${found}`;
      const says = `session_replication_role is replica for ${who}, so triggers do not fire`;
      findings.push(warning(check, says, own ? reset : replica));
    }
  }
  if (children.length > 0) {
    const says = `rows of ${children.join(", ")}, which inherit from the table, are read, but their edits are missed`;
    findings.push(warning(check, says, `Make it a partitioned table: triggers fire for all its partitions. ${found}`));
  }
  if (findings.length > 0 || triggers === 0) return findings;
  return [ok(check, `${triggers} of them record every change`)];
}
