import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { exposureMarker, rehearsalMarker, schemaOf } from "../database/installation.ts";
import { rehearsalSchemas } from "../rehearsal/rehearsal-schemas.ts";

/** Everything of ours in a database, and what of others stands on it. Names are as SQL writes them. */
export interface Inventory {
  /** With exposures and, if the queue is in the database, BullMQ's. */
  schemas: string[];
  bytes: number;
  /** Tables of an application with triggers of ours or with columns that a hand-over left beside its own. */
  tables: { name: string; triggers: string[]; columns: string[] }[];
  /** Functions of ours outside our schemas. */
  functions: string[];
  /** Views, functions and others of an application that would be dropped with ours. */
  dependents: string[];
}

/** @param queueSchema The schema of BullMQ's tables; undefined if the queue is not in this database. */
export async function readInventory(
  database: Database,
  { queueSchema }: { queueSchema: string | undefined },
): Promise<Inventory> {
  const { rows } = await database.execute<{
    schemas: string[];
    bytes: string;
    tables: Inventory["tables"] | null;
    functions: string[];
    dependents: string[];
  }>(sql`
    with ours as materialized (
      select oid, quote_ident(nspname) as name from pg_namespace
      where nspname in ('reembed'::name, ${queueSchema ?? null})
        or starts_with(obj_description(oid, 'pg_namespace'), ${exposureMarker(schemaOf(database))})
        or nspname = any(${sql.param(Object.values(rehearsalSchemas(database)))}::text[])
          and obj_description(oid, 'pg_namespace') = ${rehearsalMarker}
    ), functions as (
      select p.oid from pg_proc p
      where p.proname = concat('reembed'::name, '_profile') and p.pronamespace not in (select oid from ours)
        and exists (select from pg_depend d join pg_proc r on r.oid = d.refobjid
          where d.objid = p.oid and d.refclassid = 'pg_proc'::regclass and r.pronamespace in (select oid from ours))
    ), triggers as (
      select t.tgrelid as relation, t.tgname as name from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      join pg_class c on c.oid = t.tgrelid
      where not t.tgisinternal and t.tgparentid = 0 and p.pronamespace in (select oid from ours)
        and c.relnamespace not in (select oid from ours)
    ), columns as (
      select a.attrelid as relation, a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attname ~ concat('^', 'reembed'::name, '_(new|old)_') and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')
        and c.relnamespace not in (select oid from ours)
    )
    select array(select name from ours order by 1) as schemas,
      (select coalesce(sum(pg_total_relation_size(oid)), 0) from pg_class
       where relkind in ('r', 'm') and relnamespace in (select oid from ours)) as bytes,
      (select json_agg(json_build_object('name', format('%I.%I', n.nspname, c.relname),
          'triggers', array(select t.name::text from triggers t where t.relation = c.oid order by 1),
          'columns', array(select a.name::text from columns a where a.relation = c.oid order by 1)) order by c.oid)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid in (select relation from triggers union select relation from columns)) as tables,
      array(select oid::regprocedure::text from functions) as functions,
      array(
        -- Views over our tables and views, and functions and others that name something of ours.
        select distinct pg_describe_object(used.classid, used.objid, 0)
        from pg_depend d
        left join pg_class r on d.refclassid = 'pg_class'::regclass and r.oid = d.refobjid
        left join pg_proc f on d.refclassid = 'pg_proc'::regclass and f.oid = d.refobjid
        left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
        cross join lateral (select case when w.oid is null then d.classid else 'pg_class'::regclass::oid end as classid,
          coalesce(w.ev_class, d.objid) as objid) used
        left join pg_class uc on used.classid = 'pg_class'::regclass and uc.oid = used.objid
        left join pg_proc up on used.classid = 'pg_proc'::regclass and up.oid = used.objid
        where d.deptype = 'n'
          and (coalesce(r.relnamespace, f.pronamespace) in (select oid from ours) or f.oid in (select oid from functions))
          and (uc.oid is not null or up.oid is not null)
          and coalesce(uc.relnamespace, up.pronamespace) not in (select oid from ours)
          and coalesce(uc.relnamespace, up.pronamespace) <> 'pg_toast'::regnamespace
          and (up.oid is null or up.oid not in (select oid from functions))
        order by 1) as dependents`);
  const [row] = rows;
  if (row === undefined) throw new TypeError("A select without from returned no row");
  return { ...row, bytes: Number(row.bytes), tables: row.tables ?? [] };
}
