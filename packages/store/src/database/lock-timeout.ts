import { setTimeout as delay } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type Database, type Queryable, sqlState } from "./database.ts";
import { repeatOnConflict } from "./repeat-on-conflict.ts";

const lockNotAvailable = "55P03";

/** How long one attempt waits for a lock, during which everybody after it waits too, and how many attempts there are. */
interface LockPatience {
  lockTimeoutMs: number;
  pauseMs: number;
  attempts: number;
}

const ours: LockPatience = { lockTimeoutMs: 2_000, pauseMs: 0, attempts: 30 };
/** For an application's table: its writers wait no longer for us than this. */
export const applicationTable: LockPatience = { lockTimeoutMs: 100, pauseMs: 400, attempts: 120 };

/** DDL on a live table waits a moment for its lock, lets the queue behind it proceed, and retries, for a minute. */
export async function withLockTimeout<T>(
  database: Database,
  work: (transaction: Queryable) => Promise<T>,
  { lockTimeoutMs, ...patience }: LockPatience = ours,
): Promise<T> {
  return await repeatOnLockTimeout(
    () =>
      repeatOnConflict(() =>
        database.transaction(async (transaction) => {
          await transaction.execute(sql`select set_config('lock_timeout', ${`${lockTimeoutMs}`}, true)`);
          return await work(transaction);
        }),
      ),
    patience,
  );
}

/** Repeats a transaction that has stopped waiting for a lock. */
export async function repeatOnLockTimeout<T>(
  run: () => Promise<T>,
  { pauseMs, attempts }: Omit<LockPatience, "lockTimeoutMs"> = ours,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (sqlState(error) !== lockNotAvailable || attempt === attempts) throw error;
    }
    if (pauseMs > 0) await delay(pauseMs);
  }
}
