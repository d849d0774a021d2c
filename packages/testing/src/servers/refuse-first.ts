import type { Database } from "@reembed/store/database";

/** A database whose server refuses the first statements, as if it stopped right after the connection was checked. */
export function refuseFirst(database: Database, statements: number): Database & { refused: () => number } {
  let refused = 0;
  return Object.assign(Object.create(database), {
    refused: () => refused,
    execute: async (statement: Parameters<Database["execute"]>[0]) => {
      if (refused < statements) {
        refused++;
        throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      }
      return await database.execute(statement);
    },
  });
}
