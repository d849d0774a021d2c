import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";

/** Facts that a database server reports about itself. */
export interface ServerFacts {
  /** For example `15.18`. */
  version: string;
  major: number;
  /** The database's encoding, for example `UTF8`. */
  encoding: string;
  pgvector: {
    /** Version in this database; null before `reembed init`. */
    installed: string | null;
    /** Version of the files on the server, whose code runs whatever the version in the database is. */
    available: string | null;
  };
  database: string;
  databaseBytes: number;
  /** Null if the role may not read it. */
  dataDirectory: string | null;
  readOnly: boolean;
  walLevel: string;
  fsync: boolean;
  /** Names of standbys that a commit waits for; empty if it waits for none. */
  synchronousStandbys: string;
}

export async function readServerFacts(database: Database): Promise<ServerFacts> {
  const { rows } = await database.execute<
    Record<"version" | "encoding" | "name" | "bytes" | "wal_level" | "standbys", string> &
      Record<"installed" | "available" | "data_directory", string | null> & {
        number: number;
        read_only: boolean;
        fsync: boolean;
      }
  >(sql`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
      (select extversion from pg_extension where extname = 'vector') as installed,
      (select default_version from pg_available_extensions where name = 'vector') as available,
      current_setting('server_encoding') as encoding, current_database() as name, pg_database_size(current_database()) as bytes,
      -- Left out of this view, where current_setting would throw, for a role that may not know it.
      (select setting from pg_settings where name = 'data_directory') as data_directory,
      pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool as read_only,
      current_setting('wal_level') as wal_level, current_setting('fsync')::bool as fsync,
      current_setting('synchronous_standby_names') as standbys`);
  const [row] = rows;
  if (row === undefined) throw new TypeError("A select without from returned no row");
  return {
    version: row.version,
    major: Math.floor(row.number / 10_000),
    pgvector: { installed: row.installed, available: row.available },
    encoding: row.encoding,
    database: row.name,
    databaseBytes: Number(row.bytes),
    dataDirectory: row.data_directory,
    readOnly: row.read_only,
    walLevel: row.wal_level,
    fsync: row.fsync,
    synchronousStandbys: row.standbys,
  };
}

/** The database's time, because this host's clock may be wrong. */
export async function readDatabaseTime(database: Database): Promise<Date> {
  return new Date(Date.now() + (await readClockAhead(database)));
}

/** The server's clock minus this host's clock in milliseconds, measured at the middle of a round trip. */
export async function readClockAhead(database: Database, now: () => number = Date.now): Promise<number> {
  const askedAt = now();
  const { rows } = await database.execute<{ now: string }>(
    sql`select extract(epoch from clock_timestamp()) * 1000 as now`,
  );
  return Number(rows[0]?.now) - (askedAt + now()) / 2;
}

/** Which servers replicate from this one, and which have stopped. */
export interface ReplicationFacts {
  replicas: number;
  /** The number of replicas whose lag the role may see. */
  visible: number;
  synchronous: number;
  /** Replication slots that nobody reads: the server keeps its log for them. */
  deadSlots: { name: string; keptBytes: number | null }[];
}

export async function readReplication(database: Database): Promise<ReplicationFacts> {
  const { rows } = await database.execute<Record<"replicas" | "visible" | "synchronous", string>>(sql`
    select count(*) as replicas, count(state) as visible,
      count(*) filter (where sync_state in ('sync', 'quorum')) as synchronous
    from pg_stat_replication`);
  const slots = await database.execute<{ name: string; kept: string | null }>(sql`
    select slot_name as name,
      case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end as kept
    from pg_replication_slots where not active`);
  return {
    replicas: Number(rows[0]?.replicas),
    visible: Number(rows[0]?.visible),
    synchronous: Number(rows[0]?.synchronous),
    deadSlots: slots.rows.map(({ name, kept }) => ({ name, keptBytes: kept === null ? null : Number(kept) })),
  };
}
