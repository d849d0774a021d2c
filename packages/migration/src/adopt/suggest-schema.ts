import { isInstallationSchema } from "@reembed/core";

/** The name of a schema for another installation, for a table that is to be adopted beside those of others. */
export function suggestSchema(table: string, taken: readonly string[]): string {
  const words =
    table
      .replace(/^.*\./, "")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const names = [words, words.slice(0, 2)].map((some) => `reembed_${some.join("_")}`);
  // Also with a number behind it.
  const base = names.find((name) => isInstallationSchema(`${name}_99`)) ?? "reembed_table";
  let schema = base;
  for (let count = 2; taken.includes(schema); count++) schema = `${base}_${count}`;
  return schema;
}

/** A command as it is run for an installation in another schema. */
export function inSchemaOf(schema: string, command: string): string {
  return `REEMBED_SCHEMA=${schema} npx ${command}`;
}
