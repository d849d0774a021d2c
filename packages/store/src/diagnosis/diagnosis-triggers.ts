import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";

/** What keeps our triggers on an application's table from telling of its changes. */
export interface TriggerFacts {
  /** Triggers of ours that are disabled, by name. */
  disabled: string[];
  /** Subscriptions that write to the table, beside which triggers fire only if they are enabled for a replica's role. */
  subscriptions: string[];
  /** Of the triggers, those that fire in a replica's role too. */
  always: number;
  triggers: number;
  /** Tables that inherit from it: rows in them are read with it, and no trigger of it fires for them. */
  children: string[];
  /** Roles, and the database, for which `session_replication_role` is set so that triggers do not fire. */
  replicaRoles: string[];
}

/** @param table As SQL writes it. Before an adoption it has no triggers of ours. */
export async function readTriggerFacts(database: Queryable, table: string): Promise<TriggerFacts> {
  const { rows } = await database.execute<{
    disabled: string[];
    subscriptions: string[];
    always: number;
    triggers: number;
    children: string[];
    replica_roles: string[];
  }>(sql`
    with ours as (
      select tgname, tgenabled from pg_trigger
      where tgrelid = to_regclass(${table}) and not tgisinternal and tgname like 'reembed\\_%'
    )
    select
      array(select tgname::text from ours where tgenabled in ('D', 'R') order by 1) as disabled,
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
  if (row === undefined) throw new TypeError("A select without a from gave no row");
  const { replica_roles, ...facts } = row;
  return { ...facts, replicaRoles: replica_roles };
}
