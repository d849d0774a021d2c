import { hostname } from "node:os";
import { eq, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { wrongClocks } from "../schema/processes.ts";
import { readClockAhead } from "./diagnosis.ts";

/** Hosts with a time server differ by milliseconds, and a busy host takes some to answer. */
const toleranceMs = 2_000;
/** A host without news for this long has stopped or is right again. */
const forgottenAfterSeconds = 60;

const ownNow = Date.now;
/** Added to the host's clock, so that it shows the database's time. */
let correctionMs = 0;

/**
 * Makes `Date.now` of this process return the database's time if the host's clock is wrong by more than two seconds, and
 * records that for `doctor` and `status`. Call it repeatedly, because a clock may jump.
 *
 * BullMQ has no other clock: it writes `Date.now()` into the next tick, into delayed retries and, on PostgreSQL, into every
 * lock. A producer whose clock was a day ahead for some seconds delayed all ticks by a day, and a worker would have kept its
 * batches as long.
 * @param onWrong Is told of a wrong clock, in a sentence, every time.
 * @returns Milliseconds by which the host is ahead of the database; 0 within the tolerance.
 */
export async function followDatabaseClock(
  database: Database,
  onWrong: (sentence: string) => void = () => {},
): Promise<number> {
  const aheadMs = await correctClock(database);
  if (aheadMs !== 0) onWrong(describeWrongClock({ host: hostname(), aheadMs }));
  return aheadMs;
}

async function correctClock(database: Database): Promise<number> {
  const askedAt = performance.now();
  const behindMs = await readClockAhead(database, ownNow);
  // A slow answer, from a busy server or on a busy host, is not precise enough.
  if (performance.now() - askedAt > toleranceMs) return correctionMs === 0 ? 0 : -correctionMs;
  const wrong = Math.abs(behindMs) > toleranceMs;
  const known = correctionMs !== 0;
  if (!wrong || Math.abs(behindMs - correctionMs) > toleranceMs) correctionMs = wrong ? behindMs : 0;
  if (known || wrong) Date.now = wrong ? () => ownNow() + Math.round(correctionMs) : ownNow;
  const host = hostname();
  if (wrong) {
    const seen = { aheadMs: -behindMs, seenAt: sql`now()` };
    await database
      .insert(wrongClocks)
      .values({ host, ...seen })
      .onConflictDoUpdate({ target: wrongClocks.host, set: seen });
  } else if (known) {
    await database.delete(wrongClocks).where(eq(wrongClocks.host, host));
  }
  return wrong ? -behindMs : 0;
}

/** A host whose clock differs from the database's. */
export interface WrongClock {
  host: string;
  /** Milliseconds by which it is ahead of the database; negative if it is behind. */
  aheadMs: number;
}

/** The hosts whose processes have found their clock wrong within the last minute. */
export async function readWrongClocks(database: Database): Promise<WrongClock[]> {
  return await database
    .select({ host: wrongClocks.host, aheadMs: wrongClocks.aheadMs })
    .from(wrongClocks)
    .where(sql`${wrongClocks.seenAt} > now() - ${forgottenAfterSeconds} * interval '1 second'`)
    .orderBy(wrongClocks.host);
}

/** A sentence: `The clock of host-1 is 86,400 s ahead of the database's.` */
export function describeWrongClock({ host, aheadMs }: WrongClock): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000).toLocaleString("en");
  return `The clock of ${host} is ${seconds} s ${aheadMs < 0 ? "behind" : "ahead of"} the database's.`;
}
