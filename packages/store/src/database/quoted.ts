import { type SQL, sql } from "drizzle-orm";
import pg from "pg";

/** A name, quoted for SQL. */
export function quoted(name: string): string {
  return pg.escapeIdentifier(name);
}

/** The oid of a relation by its qualified name, which stands in the statement, so that it is of this installation. */
export function oidOf(relation: string): SQL {
  return sql.raw(`to_regclass(${pg.escapeLiteral(relation)})`);
}

/**
 * A piece of SQL that is stored for functions of the database to run. It stands in the statement, so that it is of this
 * installation.
 */
export function storedSql(piece: string): SQL<string> {
  const tag = piece.includes("$stored$") ? "$stored_too$" : "$stored$";
  return sql.raw(`${tag}${piece}${tag}`) as SQL<string>;
}
