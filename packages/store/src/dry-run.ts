import pg from "pg";

/** Told of a statement that would have been run; the values are those of its parameters, in their order. */
export type OnStatement = (statement: string, values: readonly unknown[]) => void;

const reads = /^\s*(select|with|show|explain|values|begin|start transaction|commit|rollback|savepoint|release|set)\b/i;
const writes =
  /\b(insert\s+into|update\s+\S+\s+(\w+\s+)?set|delete\s+from|merge\s+into|for\s+((no\s+)?key\s+)?(update|share)|nextval|setval)\b/i;
/** What the statements before would have created: a table or a schema that is not there. */
const notCreated = new Set(["42P01", "3F000"]);

export function isWrite(statement: string): boolean {
  return !reads.test(statement) || writes.test(statement);
}

/**
 * A connection that changes nothing: it runs what reads, and tells of what would write, which then answers with no rows.
 * Transactions are read-only besides, so that nothing hangs on this file's reading of SQL alone.
 */
export function readingClient(onStatement: OnStatement): typeof pg.Client {
  return class ReadingClient extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: pg declares a dozen overloads of it.
    override query(config: any, values?: any, callback?: any): any {
      const statement: string = typeof config === "string" ? config : config.text;
      const given: unknown[] = (Array.isArray(values) ? values : config.values) ?? [];
      const done = [values, callback].find((argument) => typeof argument === "function");
      if (isWrite(statement)) onStatement(statement, given);
      const result: Promise<pg.QueryResult> = isWrite(statement)
        ? Promise.resolve(nothing())
        : super
            .query(typeof config === "string" ? readOnly(config) : { ...config, text: readOnly(statement) }, given)
            .catch((error: unknown) => {
              if (error instanceof pg.DatabaseError && notCreated.has(error.code ?? "")) return nothing();
              throw error;
            });
      if (done === undefined) return result;
      result.then((rows) => done(null, rows), done);
    }
  };
}

/** One statement for a person, with its parameters behind it as comments; long ones are cut. */
export function describeStatement(statement: string, values: readonly unknown[]): string {
  const parameters = values.map((value, index) => `\n-- $${index + 1} = ${describeValue(value)}`);
  return `${statement.trim().replace(/;$/, "")};${parameters.join("")}`;
}

const shownCharacters = 100;

function describeValue(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  const text = JSON.stringify(value) ?? "null";
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}… (${text.length} characters)`;
}

function readOnly(statement: string): string {
  return /^\s*begin\s*;?\s*$/i.test(statement) ? "begin read only" : statement;
}

function nothing(): pg.QueryResult {
  return { rows: [], rowCount: 0, command: "", oid: 0, fields: [] };
}
