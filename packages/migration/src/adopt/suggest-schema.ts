import { isInstallationSchema } from "@reembed/core";

/** The name of a schema for another installation, for a table that is to be adopted beside those of others. */
export function suggestSchema(table: string, taken: readonly string[]): string {
  const words =
    table
      .replace(/^.*\./, "")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const names = [words.join("_"), words.slice(0, 2).join("_"), "second", "third"];
  const isFree = (schema: string) => isInstallationSchema(schema) && !taken.includes(schema);
  const free = names.map((name) => `reembed_${name}`).find(isFree);
  if (free !== undefined) return free;
  let count = taken.length + 1;
  while (!isFree(`reembed_${count}`)) count++;
  return `reembed_${count}`;
}

/** The lines of a shell that begin an installation in another schema, before the table is adopted in it. */
export function inSchemaOf(schema: string, command: string): string {
  return `REEMBED_SCHEMA=${schema} npx ${command}`;
}
