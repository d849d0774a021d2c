import { type SQL, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { rehearsalMarker } from "../database/installation.ts";

/** Another installation of Reembed in the same database. */
export interface Installation {
  schema: string;
  /** The application's tables that its triggers are on, as SQL writes their names. */
  tables: string[];
}

/** Whether a row of pg_namespace, under the alias `n`, is the schema of an installation. */
export const isInstallation: SQL = sql`(n.nspname ~ '^reembed(_|$)' and exists (
  select from pg_class own where own.relnamespace = n.oid and own.relname = 'chunk_embeddings' and own.relkind = 'p'))`;

/** Whether a row of pg_namespace, under the alias `n`, is a schema of a rehearsal. */
export const isRehearsal: SQL = sql`obj_description(n.oid, 'pg_namespace') is not distinct from ${rehearsalMarker}`;

/** By the catalogue alone, so that no right on their tables is needed. */
export async function readOtherInstallations(database: Queryable): Promise<Installation[]> {
  const { rows } = await database.execute<Record<keyof Installation, string> & { tables: string[] }>(sql`
    select n.nspname as schema, array(
      select distinct format('%I.%I', s.nspname, c.relname)
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      join pg_class c on c.oid = t.tgrelid join pg_namespace s on s.oid = c.relnamespace
      where p.pronamespace = n.oid and c.relnamespace <> n.oid and not t.tgisinternal and t.tgparentid = 0
      order by 1) as tables
    from pg_namespace n where ${isInstallation} and not ${isRehearsal} and n.nspname <> 'reembed'::name order by 1`);
  return rows;
}
