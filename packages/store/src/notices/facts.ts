import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { type RegisteredProfile, readProfiles } from "../profiles/profiles.ts";
import { type LiveWorker, runningWithinSeconds } from "../progress/workers.ts";
import { findRollout } from "../rollout/rollout.ts";
import { type RolloutEvent, readBreachesSince } from "../rollout/rollout-events.ts";

/** Events are noticed for this long, and not after: somebody who sets the address again is not told of last month. */
const noticedForDays = 3;
/** A worker that was lost longer ago is history. */
const lostForSeconds = 3_600;

export interface ProfileFacts extends RegisteredProfile {
  /** When its backfill was complete, if that may still be noticed. */
  completedAt: Date | null;
  quarantined: number;
  /** As they were counted last: those that came or went since are not counted here, which could take seconds. */
  chunks: number;
  /** When the last minute began in which workers stored vectors; null if none is known. */
  lastWorkAt: Date | null;
  /** Whether changes wait for a vector. */
  hasChanges: boolean;
  cost: number | null;
  budget: number | null;
}

interface WorkerFacts extends Pick<LiveWorker, "id" | "host" | "profile" | "device" | "waitsFor" | "seenAt"> {
  isRunning: boolean;
}

/** What is known of a migration, from which follows what a person must be told. */
export interface NoticeFacts {
  /** By the database's clock. */
  now: Date;
  profiles: ProfileFacts[];
  /** Workers with a heartbeat, and those whose heartbeats ended within the last hour without a goodbye. */
  workers: WorkerFacts[];
  /** What guardrails have done, the oldest first. */
  breaches: RolloutEvent[];
  candidate: string | null;
}

/** @param database A transaction that has the lock of `lockNotices`. */
export async function readFacts(database: Queryable): Promise<NoticeFacts> {
  const { rows } = await database.execute<{ now: number; since: number }>(sql`
    select extract(epoch from now())::float8 as now, extract(epoch from greatest(
      coalesce((select min(occurred_at) from reembed.notices where kind = 'webhook.connected'), now()),
      now() - make_interval(days => ${noticedForDays})))::float8 as since`);
  const now = new Date(1_000 * (rows[0]?.now ?? 0));
  // A Date drops what is less than a millisecond: without the one added, what was just before would be after it.
  const since = new Date(1_000 * (rows[0]?.since ?? 0) + 1);
  const numbers = await readNumbers(database, since);
  const profiles: ProfileFacts[] = [];
  for (const profile of await readProfiles(database)) {
    const known = numbers.get(profile.name);
    if (known === undefined) continue;
    profiles.push({ ...profile, ...known });
  }
  const breaches = await readBreachesSince(database, since);
  const candidate = (await findRollout(database))?.candidate ?? null;
  return { now, profiles, workers: await readWorkers(database), breaches, candidate };
}

async function readNumbers(database: Queryable, since: Date) {
  const { rows } = await database.execute<{
    name: string;
    completed: number | null;
    quarantined: string;
    chunks: string;
    last_work: number | null;
    has_changes: boolean;
    cost: number | null;
    budget: number | null;
  }>(sql`
    select name,
      extract(epoch from case when completed_at > ${since.toISOString()}::timestamptz then completed_at end)::float8
        as completed,
      (select count(*) from reembed.quarantined_chunks q where q.profile = name) as quarantined,
      (select coalesce(sum(counted), 0) from reembed.block_counts where kind = 'chunks' and block_counts.name = chunking)
        as chunks,
      (select extract(epoch from max(minute))::float8 from reembed.throughput t where t.profile = name) as last_work,
      exists (select from reembed.chunk_changes c where c.profile = name and c.priority is null) as has_changes,
      spent.cost, spent.budget
    from reembed.profiles left join reembed.spendings spent on spent.profile = name`);
  const date = (seconds: number | null) => (seconds === null ? null : new Date(1_000 * seconds));
  return new Map(
    rows.map((row) => [
      row.name,
      {
        completedAt: date(row.completed),
        quarantined: Number(row.quarantined),
        chunks: Number(row.chunks),
        lastWorkAt: date(row.last_work),
        hasChanges: row.has_changes,
        cost: row.cost,
        budget: row.budget,
      },
    ]),
  );
}

async function readWorkers(database: Queryable): Promise<WorkerFacts[]> {
  const { rows } = await database.execute<
    Pick<LiveWorker, "id" | "host" | "profile" | "device"> & { waits_for: string | null; seen: number; silent: number }
  >(sql`
    select id, host, profile, device, waits_for, extract(epoch from seen_at)::float8 as seen,
      abs(extract(epoch from now() - seen_at))::float8 as silent
    from reembed.workers where abs(extract(epoch from now() - seen_at)) < ${lostForSeconds} order by id`);
  return rows.map(({ waits_for, seen, silent, ...worker }) => ({
    ...worker,
    waitsFor: waits_for,
    seenAt: new Date(1_000 * seen),
    isRunning: silent < runningWithinSeconds,
  }));
}
