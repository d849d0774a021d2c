import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** For how many days searches with their feedback, and throughput, are kept; 0 keeps all. */
export interface Retention {
  searchDays: number;
  throughputDays: number;
}

/** Maximum rows of one table that one call removes, which takes about 100 ms. */
const rowsAtATime = 10_000;

/** Longer than an event is noticed for, so that none is noticed twice. */
const noticeDays = 30;

/**
 * Removes searches, feedback and throughput that are older than the retention, by the database's clock: at most `most` rows
 * of each table, so that no transaction is long. `more` says whether another call may find more. Concurrent calls are safe:
 * they skip each other's rows.
 */
export async function removeExpired(
  database: Database,
  { searchDays, throughputDays }: Retention,
  most: number = rowsAtATime,
): Promise<{ removed: number; more: boolean }> {
  const removed: number[] = [];
  const remove = async (days: number, statement: SQL) => {
    if (days > 0) removed.push((await database.execute(statement)).rowCount ?? 0);
  };
  // Per profile, because the index on the time begins with it.
  await remove(
    searchDays,
    sql`
    delete from reembed.search_events where id = any (array(
      select expired.id from reembed.profiles cross join lateral (
        select id from reembed.search_events
        where profile = profiles.name and searched_at < now() - ${searchDays} * interval '1 day'
        order by searched_at limit ${most} for update skip locked
      ) expired limit ${most}))`,
  );
  // In the order of ids, which is that of time, so that these small tables need no index on the time.
  await remove(
    searchDays,
    sql`
    delete from reembed.search_feedback where id = any (array(
      select id from reembed.search_feedback
      where id <= (select max(id) from (select id from reembed.search_feedback order by id limit ${most}) oldest)
        and given_at < now() - ${searchDays} * interval '1 day'
      for update skip locked))`,
  );
  await remove(
    throughputDays,
    sql`
    delete from reembed.throughput where (profile, minute) in (
      select expired.profile, expired.minute from reembed.profiles cross join lateral (
        select profile, minute from reembed.throughput
        where profile = profiles.name and minute < now() - ${throughputDays} * interval '1 day'
        order by minute limit ${most} for update skip locked
      ) expired limit ${most})`,
  );
  // What a webhook has told. Its rows are few, and those of conditions that last stay until these have ended.
  await remove(
    noticeDays,
    sql`
    delete from reembed.notices where ended_at is not null and noticed_at < now() - ${noticeDays} * interval '1 day'`,
  );
  return { removed: removed.reduce((sum, rows) => sum + rows, 0), more: removed.some((rows) => rows >= most) };
}
