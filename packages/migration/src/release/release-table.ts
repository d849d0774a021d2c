import { formatCount, ReembedError } from "@reembed/core";
import { readTriggers, readUnreleased, releaseAdoption } from "@reembed/store/adoption";
import type { Database } from "@reembed/store/database";
import { readExposures, removeExposure } from "@reembed/store/exposure";
import { readProfiles } from "@reembed/store/profiles";

export interface ReleaseOptions {
  database: Database;
  /** The adopted table as SQL writes it. It may be gone. */
  table: string;
  /** Called with a description before anything is removed. If it returns false, nothing changes. */
  confirm: (question: string) => Promise<boolean>;
}

export interface Release {
  table: string;
  /** Profiles that embedded the table's rows, and are without vectors now. */
  profiles: string[];
  /** The triggers and functions that were removed, as DROP names them. */
  removed: string[];
}

/**
 * Lets go of an adopted table: nothing of Reembed is left at it. It can be killed at any point and repeated. Returns nothing
 * if it was not confirmed.
 * @throws ReembedError `not_adopted` (exit code 3).
 */
export async function releaseTable({ database, table, confirm }: ReleaseOptions): Promise<Release | undefined> {
  const adoption = await readUnreleased(database, table);
  if (adoption === undefined) {
    throw new ReembedError("not_adopted", `${table} is not an adopted table of this database.`, { exitCode: 3 });
  }
  const { chunking, source } = adoption;
  const removed = await readTriggers(database, chunking);
  const profiles = (await readProfiles(database))
    .filter((profile) => profile.chunking === chunking)
    .map(({ name }) => name);
  const exposures = (await readExposures(database)).filter(({ profile }) => profiles.includes(profile));
  const parts = { profiles, removed, schemas: exposures.map(({ schema }) => schema) };
  if (!(await confirm(describe(source.table, parts)))) return undefined;
  for (const { profile } of exposures) await removeExposure(database, profile);
  await releaseAdoption(database, chunking);
  return { table: source.table, profiles, removed };
}

function describe(
  table: string,
  { profiles, removed, schemas }: Record<"profiles" | "removed" | "schemas", readonly string[]>,
): string {
  const exposed =
    schemas.length === 0 ? "" : `, the schema ${schemas.join(" and ")}, in which an application may read it`;
  const vectors =
    profiles.length === 0 ? "" : `, and the vectors of ${profiles.join(" and ")}, which answer no search afterwards`;
  return `This removes ${formatCount(removed.length)} triggers and functions of ${table}${exposed}${vectors}. The table itself stays as it is.`;
}
