import { sql } from "drizzle-orm";
import { triggerNames } from "../adoption/adopted-triggers.ts";
import type { Queryable } from "../database/database.ts";

/** What keeps Reembed's triggers on a table of chunks from recording its changes. */
export interface TriggerFacts {
  /** With which the names of this installation's triggers begin. */
  schema: string;
  /** Names of Reembed's disabled triggers. */
  disabled: string[];
  /** Names of the triggers of an adopted table that it lacks, as after it was replaced under its name. */
  missing: string[];
  /** Subscriptions that write to the table. Triggers fire for their writes only if they are enabled ALWAYS. */
  subscriptions: string[];
  /** Number of triggers that are enabled ALWAYS, so also with `session_replication_role = replica`. */
  always: number;
  triggers: number;
  /** Tables that inherit from it. Their rows are read with it, but its triggers do not fire for them. */
  children: string[];
  /** Roles for which `session_replication_role` is `replica`, so that triggers do not fire; empty means every role. */
  replicaRoles: string[];
}

/** @param table The quoted name. Before an adoption the table has no triggers of Reembed, so that all are missing. */
export async function readTriggerFacts(database: Queryable, table: string): Promise<TriggerFacts> {
  const { rows } = await database.execute<{
    disabled: string[];
    missing: string[];
    subscriptions: string[];
    always: number;
    triggers: number;
    children: string[];
    replica_roles: string[];
    schema: string;
  }>(sql`
    with ours as (
      select tgname, tgenabled from pg_trigger t
      join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
      where t.tgrelid = to_regclass(${table}) and not t.tgisinternal and n.nspname = 'reembed'::name
    )
    select 'reembed'::name as schema,
      array(select tgname::text from ours where tgenabled in ('D', 'R') order by 1) as disabled,
      array(select name from ${triggerNames} names
        where name not in (select tgname from ours) and to_regclass(${table}) not in (
          select oid from pg_class where relnamespace = to_regnamespace('reembed')) order by 1) as missing,
      array(select s.subname::text from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid
        where r.srrelid = to_regclass(${table}) order by 1) as subscriptions,
      (select count(*)::int from ours where tgenabled = 'A') as always,
      (select count(*)::int from ours) as triggers,
      array(select i.inhrelid::regclass::text from pg_inherits i join pg_class c on c.oid = i.inhparent
        where i.inhparent = to_regclass(${table}) and c.relkind = 'r' order by 1) as children,
      array(select coalesce(setrole::regrole::text, '')
        from (select nullif(setrole, 0) as setrole, setting from pg_db_role_setting, unnest(setconfig) setting
          where setdatabase in (0, (select oid from pg_database where datname = current_database()))) settings
        where setting ilike 'session_replication_role=replica' order by 1) as replica_roles`);
  const [row] = rows;
  if (row === undefined) throw new TypeError("A select without from returned no row");
  const { replica_roles, ...facts } = row;
  return { ...facts, replicaRoles: replica_roles };
}
