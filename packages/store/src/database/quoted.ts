import pg from "pg";

/** A name, quoted for SQL. */
export function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}
