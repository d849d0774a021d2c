import { chunkingName, type Profile, ReembedError } from "@reembed/core";
import { eq, or, sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { withMigrationLock } from "../database/migrate.ts";
import { addedProfiles } from "../schema/models.ts";
import { profiles } from "../schema/profiles.ts";
import { rollouts } from "../schema/rollout.ts";
import { describeModelOnce } from "./model-rows.ts";

/**
 * Adds a profile to those that can be chosen. It costs nothing until it is baseline or candidate. Adding the same one twice
 * changes its search settings.
 * @throws ReembedError `profile_conflict` or `model_conflict` (exit code 3).
 */
export async function addProfile(database: Database, profile: Profile): Promise<void> {
  await withMigrationLock(database, (locked) =>
    locked.transaction(async (transaction) => {
      await requireSameName(transaction, profile);
      await describeModelOnce(transaction, profile.model);
      const { name, model, chunking, limit, threshold } = profile;
      const settings = { searchLimit: limit, similarityThreshold: threshold };
      await transaction
        .insert(addedProfiles)
        .values({
          ...{ name, model: model.id, revision: model.revision, ...settings },
          ...{ chunkSize: chunking.size, chunkOverlap: chunking.overlap },
        })
        .onConflictDoUpdate({ target: addedProfiles.name, set: settings });
    }),
  );
}

/** @throws ReembedError `profile_conflict` if the name belongs to another model or another chunking. */
export async function requireSameName(database: Queryable, { name, model, chunking }: Profile): Promise<void> {
  const [added] = await database.select().from(addedProfiles).where(eq(addedProfiles.name, name));
  const [used] = await database.select().from(profiles).where(eq(profiles.name, name));
  const wanted = `${model.id} at ${model.revision}`;
  for (const other of [added, used]) {
    if (other === undefined || (other.model === model.id && other.revision === model.revision)) continue;
    throw conflict(`Profile ${name} is taken by ${other.model} at ${other.revision}; this is ${wanted}.`);
  }
  if (added === undefined) return;
  const before = chunkingName({ size: added.chunkSize, overlap: added.chunkOverlap });
  if (before === chunkingName(chunking)) return;
  throw conflict(`Profile ${name} cuts chunks of ${before}, not of ${chunkingName(chunking)}.`);
}

function conflict(message: string): ReembedError {
  return new ReembedError("profile_conflict", message, {
    exitCode: 3,
    remedy: "Give the new one another name: vectors of two models, revisions or chunkings cannot be compared.",
  });
}

/**
 * Removes an added profile, and its model's row if no other profile names it.
 * @throws ReembedError `profile_unknown` (exit code 2), or `profile_in_use` (exit code 3) if it answers or has vectors.
 */
export async function removeAddedProfile(database: Database, name: string): Promise<void> {
  await withMigrationLock(database, (locked) =>
    locked.transaction(async (transaction) => {
      const [added] = await transaction.select().from(addedProfiles).where(eq(addedProfiles.name, name));
      if (added === undefined) {
        throw new ReembedError("profile_unknown", `No profile ${name} was added to this database.`, {
          exitCode: 2,
          remedy: "`reembed profile list` shows those that were; the catalogue's stay.",
        });
      }
      await requireUnused(transaction, name);
      await transaction.delete(addedProfiles).where(eq(addedProfiles.name, name));
      await transaction.execute(sql`
        delete from reembed.models m where m.id = ${added.model} and m.revision = ${added.revision}
          and not exists (select from reembed.added_profiles a where a.model = m.id and a.revision = m.revision)
          and not exists (select from reembed.profiles p where p.model = m.id and p.revision = m.revision)`);
    }),
  );
}

/** A profile with another chunking has the name of the one that it was made from at its beginning. */
async function requireUnused(database: Queryable, name: string): Promise<void> {
  const [rollout] = await database
    .select()
    .from(rollouts)
    .where(or(madeFrom(rollouts.baseline, name), madeFrom(rollouts.candidate, name)));
  if (rollout !== undefined) {
    const role = isMadeFrom(rollout.baseline, name) ? "baseline" : "candidate";
    throw inUse(`Profile ${name} is the ${role} of this database.`, "Choose another one, and run `reembed init`.");
  }
  const [used] = await database.select().from(profiles).where(madeFrom(profiles.name, name));
  if (used === undefined || used.state === "retired") return;
  throw inUse(`Profile ${used.name} is registered, and may have vectors.`, "`reembed finalize` removes a baseline.");
}

const chunkingSuffix = "(-[0-9]+-[0-9]+)?";

function madeFrom(column: typeof profiles.name | typeof rollouts.baseline | typeof rollouts.candidate, name: string) {
  return sql`${column} ~ ${`^${name}${chunkingSuffix}$`}`;
}

function isMadeFrom(profile: string, name: string): boolean {
  return new RegExp(`^${name}${chunkingSuffix}$`).test(profile);
}

function inUse(message: string, remedy: string): ReembedError {
  return new ReembedError("profile_in_use", message, { exitCode: 3, remedy });
}
