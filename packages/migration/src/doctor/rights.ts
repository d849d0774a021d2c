import { defaultSchema } from "@reembed/core";
import { adoptedTables } from "@reembed/store/adoption";
import { quoted, schemaOf } from "@reembed/store/database";
import { type RightsFacts, readMissingRights, readRights } from "@reembed/store/diagnosis";
import type { Check, DoctorContext } from "./context.ts";
import { type Finding, ok, problem } from "./finding.ts";

export const checkRights: Check = async ({ database, server, registered }) => {
  if (database === undefined || server === undefined) return [];
  const rights = await readRights(database);
  const findings = [judgeRights(rights, server.database, schemaOf(database))];
  for (const table of tablesOf(registered)) {
    findings.push(judgeTable(table, rights.role, await readMissingRights(database, table)));
  }
  return findings;
};

export function judgeRights(facts: RightsFacts, database: string, schema = defaultSchema): Finding {
  const { role, ownsTables } = facts;
  if (ownsTables === false) {
    const remedy = `Use the role that ran \`reembed init\`, or make ${role} a member of it.`;
    return problem("rights", `${role} does not own the tables in the schema ${schema}`, remedy);
  }
  // If the tables exist, so do the schema and the extension.
  if (ownsTables === null && !facts.createSchemas) {
    const remedy = `Run GRANT CREATE ON DATABASE ${quoted(database)} TO ${quoted(role)}.`;
    return problem("rights", `${role} may not create schemas in ${database}`, remedy);
  }
  if (!facts.createExtension) {
    const remedy = "Have a superuser run CREATE EXTENSION vector in this database.";
    return problem("rights", `${role} may not create the extension vector`, remedy);
  }
  return ok("rights", `${role} has the rights that are needed in ${database}`);
}

export function judgeTable(table: string, role: string, missing: readonly string[] | null): Finding {
  const check = `rights on ${table}`;
  if (missing === null) {
    return problem(
      check,
      "the table does not exist",
      `Restore it, or run \`reembed release ${table}\` if it is not needed.`,
    );
  }
  if (missing.length === 0) return ok(check, "SELECT and TRIGGER");
  const rights = missing.join(", ");
  return problem(check, `${rights} is missing`, `Run GRANT ${rights} ON ${table} TO ${quoted(role)}.`);
}

/** The applications' tables that chunks and documents were adopted from. */
export function tablesOf(registered: DoctorContext["registered"]): string[] {
  return [...new Set(registered.flatMap(({ source }) => (source === null ? [] : adoptedTables(source))))];
}
