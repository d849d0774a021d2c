import { sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { quoted } from "../database/quoted.ts";
import type { TableFacts } from "./table-facts.ts";
import { type Exposed, exposedView } from "./view-statements.ts";

/** An application's function whose body names its table, such as Supabase's `match_documents`. */
export interface ReadingFunction {
  /** With its schema and the types of its arguments. */
  signature: string;
  /** `schema.name`, quoted where needed. */
  qualifiedName: string;
  /** Its name alone, quoted where needed. */
  name: string;
  definition: string;
  /** The type of the table's rows, as the definition writes it. */
  rowType: string;
  /** Its own setting of search_path; null if it uses its caller's. */
  searchPath: string | null;
  /** Why it gets no counterpart; null if it gets one. */
  obstacle: string | null;
}

/** The functions in the table's schema that read it, with definitions in which every other name has its schema. */
export async function readFunctions(database: Database, { name, schema }: TableFacts): Promise<ReadingFunction[]> {
  return await database.transaction(async (transaction) => {
    await transaction.execute(sql`select set_config('search_path', 'pg_catalog', true)`);
    const { rows } = await transaction.execute<
      Omit<ReadingFunction, "obstacle"> & { body: string; definer: boolean; language: string }
    >(sql`
      select p.oid::regprocedure::text as signature, format('%I.%I', n.nspname, p.proname) as "qualifiedName",
        quote_ident(p.proname) as name, format('%I.%I', ${schema}::text, ${name}::text) as "rowType", pg_get_functiondef(p.oid) as definition, p.prosrc as body,
        p.prosecdef as definer, l.lanname as language,
        (select substr(c, length('search_path=') + 1) from unnest(p.proconfig) c where c like 'search_path=%') as "searchPath"
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
      where n.nspname = ${schema} and p.prokind = 'f' and p.prosqlbody is null and l.lanname in ('sql', 'plpgsql')
        and p.prorettype <> 'trigger'::regtype and position(${name} in p.prosrc) > 0
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
      order by 1`);
    return rows.flatMap(({ body, definer, language, ...found }) => {
      if (!naming(name).test(body)) return [];
      return [{ ...found, obstacle: findObstacle({ body, definer, name, schema }) }];
    });
  });
}

function findObstacle({
  body,
  definer,
  name,
  schema,
}: Record<"body" | "name" | "schema", string> & { definer: boolean }) {
  if (definer) return "it is SECURITY DEFINER";
  if (new RegExp(`"?${escapeRegex(schema)}"?\\s*\\.\\s*"?${escapeRegex(name)}\\b`, "i").test(body)) {
    return `its body names ${schema}.${name} with the schema`;
  }
  return null;
}

/** The table's name as a word of its own, or quoted. */
function naming(name: string): RegExp {
  return new RegExp(`(?<![\\w$])"?${escapeRegex(name)}"?(?![\\w$])`, "i");
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The function with the same source in the exposure's schema, where the table's name means the view. */
export function functionStatements(exposed: Exposed, found: ReadingFunction): string[] {
  const { schema, table } = exposed;
  const own = `${schema}.${found.name}`;
  const { rowType } = found;
  const definition = found.definition
    .replace(`FUNCTION ${found.qualifiedName}(`, () => `FUNCTION ${own}(`)
    .replace(` RETURNS SETOF ${rowType}\n`, () => ` RETURNS SETOF ${exposedView(exposed)}\n`)
    .replace(` RETURNS ${rowType}\n`, () => ` RETURNS ${exposedView(exposed)}\n`);
  const rest = found.searchPath ?? [...new Set([quoted(table.schema), table.vectorSchema])].join(", ");
  const signature = found.signature.replace(found.qualifiedName, () => own);
  return [definition, `alter function ${signature} set search_path = ${[schema, rest].filter(Boolean).join(", ")}`];
}
