import { sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import type { ProfileState } from "../schema/profiles.ts";
import { hasAddedProfiles } from "./known-profiles.ts";

/** What a database does with a profile. */
export interface ProfileUse {
  /** Whether somebody added it, instead of the catalogue. */
  added: boolean;
  /** Null until it is baseline or candidate. */
  state: ProfileState | null;
  role: "baseline" | "candidate" | null;
}

/** Before `reembed init`, no profile has a use. */
export async function readProfileUses(database: Queryable): Promise<Map<string, ProfileUse>> {
  if (!(await hasAddedProfiles(database))) return new Map();
  const { rows } = await database.execute<{ name: string } & Record<keyof ProfileUse, never>>(sql`
    select name, a.name is not null as added, p.state,
      case name when r.candidate then 'candidate' when r.baseline then 'baseline' end as role
    from reembed.profiles p
    full join reembed.added_profiles a using (name)
    left join reembed.rollouts r on true`);
  return new Map(rows.map(({ name, ...use }) => [name, use]));
}
