import { sql } from "drizzle-orm";
import { missingRights } from "../database/catalogue.ts";
import type { Database } from "../database/database.ts";

/** The rights of the role in DATABASE_URL. */
export interface RightsFacts {
  role: string;
  /** May create schemas in this database. */
  createSchemas: boolean;
  /** May create pgvector, or it exists already. */
  createExtension: boolean;
  /** Null before `reembed init`. */
  ownsTables: boolean | null;
}

export async function readRights(database: Database): Promise<RightsFacts> {
  const { rows } = await database.execute<{
    role: string;
    schemas: boolean;
    extension: boolean;
    owns: boolean | null;
  }>(sql`
    select current_user as role, has_database_privilege(current_database(), 'CREATE') as schemas,
      exists (select from pg_extension where extname = 'vector')
        or (select rolsuper from pg_roles where rolname = current_user)
        -- A trusted extension takes no superuser, only the right to create in the database.
        or (has_database_privilege(current_database(), 'CREATE')
          and exists (select from pg_available_extension_versions where name = 'vector' and trusted)) as extension,
      (select bool_and(pg_has_role(relowner, 'USAGE')) from pg_class
       where relnamespace = to_regnamespace('reembed') and relkind in ('r', 'p', 'v')) as owns`);
  const [row] = rows;
  if (row === undefined) throw new TypeError("A select without from returned no row");
  return { role: row.role, createSchemas: row.schemas, createExtension: row.extension, ownsTables: row.owns };
}

/** The rights on an application's table that a migration needs and this role lacks; null if the table does not exist. */
export async function readMissingRights(database: Database, table: string): Promise<string[] | null> {
  const { rows } = await database.execute<{ there: boolean; missing: string[] }>(sql`
    select to_regclass(${table}) is not null as there,
      ${missingRights(sql`to_regclass(${table})`)} as missing`);
  return rows[0]?.there === true ? rows[0].missing : null;
}
