import { prepareSessionStatement } from "@reembed/core";
import type pg from "pg";

/**
 * Makes pgvector's types and operators known without a schema name, whichever schema the extension is in: Supabase has it in
 * `extensions`. Before the extension exists, `create extension` needs a schema to create it in.
 */
const reachPgvectorStatement = `
  select set_config('search_path',
    concat_ws(', ', nullif(nullif(current_setting('search_path'), ''), '""'), quote_ident(schema)), false)
  from coalesce(
    (select nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'vector'),
    'public'
  ) as schema
  where schema <> all (current_schemas(true))`;

/** Sets what a new connection relies on. */
export async function prepareSession(client: Pick<pg.ClientBase, "query">): Promise<void> {
  await client.query(prepareSessionStatement);
  await client.query(reachPgvectorStatement);
}
