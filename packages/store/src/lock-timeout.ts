import { sql } from "drizzle-orm";
import { type Database, type Queryable, sqlState } from "./database.ts";
import { repeatOnConflict } from "./repeat-on-conflict.ts";

const lockNotAvailable = "55P03";
const lockAttempts = 30;

/** DDL on a live table waits for its lock 2 s at most, lets the queue behind it pass, and tries again. */
export async function withLockTimeout<T>(database: Database, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await repeatOnConflict(() =>
        database.transaction(async (transaction) => {
          await transaction.execute(sql`set local lock_timeout = '2s'`);
          return await work(transaction);
        }),
      );
    } catch (error) {
      if (sqlState(error) !== lockNotAvailable || attempt === lockAttempts) throw error;
    }
  }
}
