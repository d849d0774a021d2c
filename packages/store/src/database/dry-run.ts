import pg from "pg";

/** Called with a statement that would have been run, and the values of its parameters. */
export type OnStatement = (statement: string, values: readonly unknown[]) => void;

const reads = /^\s*(select|with|show|explain|values|begin|start transaction|commit|rollback|savepoint|release|set)\b/i;
const writes =
  /\b(insert\s+into|update\s+\S+\s+(\w+\s+)?set|delete\s+from|merge\s+into|for\s+((no\s+)?key\s+)?(update|share)|nextval|setval|reembed\w*"?\.(take|settle|remove|store|quarantine|follow|recount)_\w+)\b/i;
/** Error codes for a table or schema that does not exist, because an earlier statement was not run. */
const notCreated = new Set(["42P01", "3F000"]);

export function isWrite(statement: string): boolean {
  return !reads.test(statement) || writes.test(statement);
}

/**
 * A connection that changes nothing: it runs statements that read, and reports those that would write, which then return no
 * rows; without `onStatement` it runs all of them, and PostgreSQL refuses those that write. It does not rely on recognising SQL alone: a statement outside a transaction runs in a read-only transaction, and
 * every transaction is read-only, whatever its first statement says. PostgreSQL refuses to make a transaction writable after
 * it has read.
 */
export function readingClient(onStatement?: OnStatement): typeof pg.Client {
  return class ReadingClient extends pg.Client {
    #before: Promise<unknown> = Promise.resolve();
    #inTransaction = false;

    // biome-ignore lint/suspicious/noExplicitAny: pg declares a dozen overloads of it.
    override query(config: any, values?: any, callback?: any): any {
      const statement: string = typeof config === "string" ? config : config.text;
      const given: unknown[] = (Array.isArray(values) ? values : config.values) ?? [];
      const done = [values, callback].find((argument) => typeof argument === "function");
      const skipped = onStatement !== undefined && isWrite(statement);
      if (skipped) onStatement(statement, given);
      // One after the other, so that the transaction around one statement never contains another one.
      const result = this.#before.then(() =>
        skipped ? nothing() : this.#readOrNothing(typeof config === "string" ? { text: config } : config, given),
      );
      this.#before = result.catch(() => undefined);
      if (done === undefined) return result;
      result.then((rows) => done(null, rows), done);
    }

    async #readOrNothing(config: pg.QueryConfig, given: unknown[]): Promise<pg.QueryResult> {
      return await this.#read(config, given).catch((error: unknown) => {
        // Only a statement that was not run can be the reason.
        if (onStatement === undefined || !isOfMissing(error)) throw error;
        return nothing();
      });
    }

    async #read(config: pg.QueryConfig, given: unknown[]): Promise<pg.QueryResult> {
      if (begins.test(config.text)) {
        this.#inTransaction = true;
        return await super.query(beginReadOnly(config.text));
      }
      if (/^\s*(commit|rollback)\s*;?\s*$/i.test(config.text)) this.#inTransaction = false;
      if (this.#inTransaction || unbegun.test(config.text)) return await super.query(config, given);
      // The select takes the transaction's snapshot, after which it cannot become writable again.
      await super.query("begin read only; select 1");
      try {
        return await super.query(config, given);
      } finally {
        await super.query("commit");
      }
    }
  };
}

const begins = /^\s*(begin|start\s+transaction)\b/i;
/** Statements that end a transaction, or are about one. */
const unbegun = /^\s*(commit|rollback|savepoint|release)\b/i;

function beginReadOnly(statement: string): string {
  return `${statement.replace(/;\s*$/, "").replace(/\bread\s+(write|only)\b/gi, "")} read only; select 1`;
}

function isOfMissing(error: unknown): boolean {
  return error instanceof pg.DatabaseError && notCreated.has(error.code ?? "");
}

/** Formats one statement with its parameters after it as comments; long ones are cut. */
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

function nothing(): pg.QueryResult {
  return { rows: [], rowCount: 0, command: "", oid: 0, fields: [] };
}
