import { sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import type { NoticeDetail } from "../schema/notices.ts";

/** Something that a person must know, as it is now. */
export interface Condition {
  kind: string;
  /** What it is of. There is one open notice of a kind and an occurrence. */
  occurrence: string;
  profile: string | null;
  occurredAt: Date;
  /** Whether a notice is written if there is none yet. Otherwise it only keeps one open that there is. */
  begins: boolean;
  /** How long it must last before anybody is told. */
  holdSeconds: number;
  detail: NoticeDetail;
}

/** The lock's number spells `noti`. */
const noticesLock = 0x6e6f7469;

/** Takes the lock of whoever compares conditions with notices, until the transaction ends. Returns false if it is taken. */
export async function lockNotices(transaction: Queryable): Promise<boolean> {
  const { rows } = await transaction.execute<{ locked: boolean }>(
    sql.raw(`select pg_try_advisory_xact_lock(${noticesLock}) as locked`),
  );
  return rows[0]?.locked === true;
}

/**
 * Writes a notice for each condition that has begun, and ends those of conditions that are over. One that is over before
 * anybody was told is removed. Until the first attempt a notice has the sentence of the last call. Returns how many began.
 */
export async function recordConditions(transaction: Queryable, conditions: readonly Condition[]): Promise<number> {
  const present = JSON.stringify(conditions);
  const { rows } = await transaction.execute<{ begun: string }>(sql`
    with present as (
      select * from jsonb_to_recordset(${present}::jsonb) as present (kind text, occurrence text, profile text,
        "occurredAt" timestamptz, begins boolean, "holdSeconds" float8, detail jsonb)
    ), over as (
      select id, attempts from reembed.notices n where ended_at is null
        and not exists (select from present p where p.kind = n.kind and p.occurrence = n.occurrence)
        -- Each address is told once, also while producers with another one are still running.
        and kind <> 'webhook.connected'
    ), ended as (
      update reembed.notices n set ended_at = now() from over where n.id = over.id and n.attempts > 0
    ), withdrawn as (
      delete from reembed.notices n using over where n.id = over.id and n.attempts = 0
    ), written as (
      insert into reembed.notices as n (kind, occurrence, profile, occurred_at, detail, next_attempt_at)
      select kind, occurrence, profile, "occurredAt", detail, now() + make_interval(secs => "holdSeconds")
      from present p where begins
      on conflict (kind, occurrence) where ended_at is null
        do update set detail = excluded.detail where n.attempts = 0
      returning xmax = 0 as is_new
    )
    select count(*) as begun from written where is_new`);
  return Number(rows[0]?.begun ?? 0);
}

/** A notice that is to be sent. */
export interface DueNotice {
  id: string;
  kind: string;
  profile: string | null;
  occurredAt: Date;
  detail: NoticeDetail;
  /** How often it was tried, this time included. */
  attempts: number;
}

/** Longer than an attempt takes: if the process ends during one, another repeats it then. */
const claimedForSeconds = 60;

/** Takes the notice that has been due for the longest, for one attempt by one process. */
export async function claimNotice(database: Database): Promise<DueNotice | undefined> {
  const { rows } = await database.execute<Omit<DueNotice, "occurredAt"> & { occurred: number }>(sql`
    update reembed.notices set attempts = attempts + 1,
      next_attempt_at = now() + make_interval(secs => ${claimedForSeconds})
    where id = (
      select id from reembed.notices where next_attempt_at <= now()
      order by next_attempt_at limit 1 for update skip locked)
    returning id, kind, profile, detail, attempts, extract(epoch from occurred_at)::float8 as occurred`);
  return rows.map(({ occurred, ...notice }) => ({ ...notice, occurredAt: new Date(1_000 * occurred) }))[0];
}

export async function markDelivered(database: Database, { id }: Pick<DueNotice, "id">): Promise<void> {
  await database.execute(sql`
    update reembed.notices set delivered_at = now(), next_attempt_at = null, error = null where id = ${id}`);
}

/** After this many days of failures a notice is given up. */
const triedForDays = 3;

/** Records why an attempt failed, and when the next one is due. Returns whether the notice is given up instead. */
export async function markFailed(
  database: Database,
  { id }: Pick<DueNotice, "id">,
  { error, waitMs }: { error: string; waitMs: number },
): Promise<boolean> {
  const { rows } = await database.execute<{ given_up: boolean }>(sql`
    update reembed.notices set error = ${error}, next_attempt_at =
      case when noticed_at > now() - make_interval(days => ${triedForDays})
        then now() + make_interval(secs => ${waitMs / 1_000}) end
    where id = ${id} and delivered_at is null
    returning next_attempt_at is null as given_up`);
  return rows[0]?.given_up === true;
}

/** Notices that a receiver did not take. */
export interface Undelivered {
  /** Those that are tried again. */
  failing: number;
  givenUp: number;
  /** Why the last attempt failed. */
  error: string;
  /** What the last of those that were given up says; null if there is none. */
  lost: string | null;
}

/** An attempt that was due this long ago is made by nobody: the webhook was taken away. */
const untriedForHours = 2;
/** For this many days after its beginning it is said that a notice was given up. */
const lamentedForDays = 10;

/** Undefined if every notice that was tried lately was delivered. */
export async function readUndelivered(database: Queryable): Promise<Undelivered | undefined> {
  const { rows } = await database.execute<{
    failing: string;
    given_up: string;
    error: string;
    lost: string | null;
  }>(sql`
    select count(next_attempt_at) as failing, count(*) - count(next_attempt_at) as given_up,
      (array_agg(error order by noticed_at desc))[1] as error,
      (array_agg(detail ->> 'text' order by noticed_at desc) filter (where next_attempt_at is null))[1] as lost
    from reembed.notices where delivered_at is null and error is not null
      and coalesce(next_attempt_at > now() - make_interval(hours => ${untriedForHours}),
        noticed_at > now() - make_interval(days => ${lamentedForDays}))
    having count(*) > 0`);
  return rows.map((row) => ({
    failing: Number(row.failing),
    givenUp: Number(row.given_up),
    error: row.error,
    lost: row.lost,
  }))[0];
}
