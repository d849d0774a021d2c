import { schemaOf } from "@reembed/store/database";
import { readOtherInstallations } from "@reembed/store/discovery";
import type { Check } from "./context.ts";
import { ok } from "./finding.ts";

/** What else of Reembed is in the database, which neither sees nor disturbs this installation. */
export const checkInstallations: Check = async ({ database }) => {
  if (database === undefined) return [];
  const others = await readOtherInstallations(database);
  if (others.length === 0) return [];
  const list = others.map(({ schema, tables }) => `${schema} (${tables.join(", ") || "no table of an application"})`);
  return [ok("installations", `this one is in ${schemaOf(database)}; the database has others in ${list.join(", ")}`)];
};
