import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** The database's load without the backfill; null for what cannot be measured, or what the role may not read. */
export interface DatabaseLoad {
  /** Replay lag of the slowest standby. */
  replicationLagSeconds: number | null;
  /** Clients' statements that are running or wait for a lock or the disk; not those that wait for their client. */
  activeSessions: number;
  /** 95th percentile of the last minute's searches that somebody waited for. */
  searchP95Ms: number | null;
}

/** With fewer searches the slowest one says nothing about the others. */
const leastSearches = 20;

/**
 * Reads the load in one statement. Sessions are those of the whole server, because its databases share disks and cores. A
 * role without `pg_monitor` sees only the state of its own sessions, and no standby's lag.
 */
export async function readDatabaseLoad(database: Database): Promise<DatabaseLoad> {
  const { rows } = await database.execute<{ lag: string | null; sessions: string; p95: number | null }>(sql`
    select
      (select max(extract(epoch from replay_lag)) from pg_stat_replication) as lag,
      (select count(*) from pg_stat_activity
       where backend_type = 'client backend' and state = 'active' and pid <> pg_backend_pid()
         and wait_event_type is distinct from 'Client') as sessions,
      (select case when count(*) >= ${leastSearches} then percentile_disc(0.95) within group (order by took_ms) end
       from reembed.profiles
       join reembed.search_events on profile = name and searched_at > now() - interval '1 minute' and shadow_of is null
      ) as p95`);
  const [load] = rows;
  return {
    replicationLagSeconds: numberOrNull(load?.lag),
    activeSessions: Number(load?.sessions ?? 0),
    searchP95Ms: numberOrNull(load?.p95),
  };
}

function numberOrNull(value: string | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
