import { ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import { explainAdopted, tableGone } from "./adopted-errors.ts";
import { adoptedTables } from "./adopted-relation.ts";
import { triggerNames } from "./adopted-triggers.ts";

/**
 * What keeps the rows of a profile's adopted table from being read or followed, with what to do about it; undefined if
 * nothing does, or if Reembed cut the chunks itself.
 */
export async function findAdoptionProblem(
  database: Queryable,
  { source, relation }: Pick<RegisteredProfile, "source" | "relation">,
): Promise<ReembedError | undefined> {
  if (source === null) return undefined;
  const tables = adoptedTables(source);
  const { rows } = await database.execute<{ gone: boolean; missing: string[] }>(sql`
    select bool_or(to_regclass(t) is null) as gone, array_agg(name || ' on ' || t order by t, name) filter (where not exists (
      select from pg_trigger g where g.tgrelid = to_regclass(t) and g.tgname = name and g.tgenabled in ('O', 'A'))) as missing
    from unnest(${sql.param(tables)}::text[]) t, ${triggerNames} names`);
  const { gone = false, missing = null } = rows[0] ?? {};
  if (gone) return tableGone(source);
  try {
    await database.execute(sql`select from ${sql.raw(relation)} c where c.content is null and c.id is null limit 0`);
  } catch (error) {
    return explainAdopted(error);
  }
  if (missing === null) return undefined;
  return new ReembedError(
    "adopted_table_unfollowed",
    `Changes of ${source.table} are not recorded: ${missing.join(", ")} missing or disabled.`,
    {
      exitCode: 3,
      remedy: `Run \`reembed adopt ${source.table}\` again, or have its owner enable them; the producer finds such changes later.`,
    },
  );
}
