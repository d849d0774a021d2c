import type { Database } from "@reembed/store/database";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";

/**
 * A database as a process sees it that is killed: after so many steps all its connections are cut, and it gets no new one. A
 * step is a transaction, or a statement outside one that does not only read. Where in a transaction a process is killed makes
 * no difference, because the server takes the transaction back.
 */
export function openDyingDatabase(
  connectionString: string,
  steps: number,
): { database: Database; died: () => boolean } & Disposable {
  const cut = () => {
    for (const client of open) Reflect.get(client, "connection").stream.destroy();
  };
  const open = new Set<MortalClient>();
  let left = steps;
  class MortalClient extends pg.Client {
    #inTransaction = false;

    constructor(config?: pg.ClientConfig) {
      super(config);
      open.add(this);
      this.on("error", () => {});
    }

    // biome-ignore lint/suspicious/noExplicitAny: pg declares a dozen overloads of it.
    override query(...given: any[]): any {
      const statement: string = typeof given[0] === "string" ? given[0] : given[0].text;
      if (!this.#inTransaction && !/^\s*(select|set|explain)\b/i.test(statement)) left--;
      if (/^\s*begin\b/i.test(statement)) this.#inTransaction = true;
      if (/^\s*(commit|rollback)\s*$/i.test(statement)) this.#inTransaction = false;
      if (left < 0) cut();
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      return (super.query as any)(...given);
    }

    // biome-ignore lint/suspicious/noExplicitAny: as above.
    override connect(callback?: any): any {
      if (left >= 0) return super.connect(callback);
      const killed = new Error("The process was killed");
      return callback === undefined ? Promise.reject(killed) : callback(killed);
    }
  }
  const pool = new pg.Pool({ connectionString, Client: MortalClient });
  pool.on("error", () => {});
  return { database: drizzle(pool) as unknown as Database, died: () => left < 0, [Symbol.dispose]: cut };
}
