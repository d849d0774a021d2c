import { profiles as catalogue, type Model, type Profile } from "@reembed/core";
import { and, eq, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { addedProfiles, models } from "../schema/models.ts";
import { profiles } from "../schema/profiles.ts";
import { modelOfRow } from "./model-rows.ts";

/** The profiles that a process may be told to use. */
export interface KnownProfiles {
  /** The catalogue's and the added ones, by name. */
  profiles: ReadonlyMap<string, Profile>;
  /** The models that the vectors in the database come from, by the name of their profile. */
  registered: ReadonlyMap<string, Model>;
}

/** Before `reembed init`, these are the catalogue's. */
export async function readKnownProfiles(database: Queryable): Promise<KnownProfiles> {
  if (!(await hasAddedProfiles(database))) return { profiles: catalogue, registered: new Map() };
  const added = await readAddedProfiles(database);
  return {
    profiles: new Map([...catalogue, ...added.map((profile) => [profile.name, profile] as const)]),
    registered: await readRegisteredModels(database),
  };
}

/** Whether the tables are there, and of a version that knows added profiles. */
export async function hasAddedProfiles(database: Queryable): Promise<boolean> {
  const { rows } = await database.execute<{ there: boolean }>(
    sql`select to_regclass('reembed.added_profiles') is not null as there`,
  );
  return rows[0]?.there ?? false;
}

export async function readAddedProfiles(database: Queryable): Promise<Profile[]> {
  const rows = await database
    .select()
    .from(addedProfiles)
    .innerJoin(models, and(eq(models.id, addedProfiles.model), eq(models.revision, addedProfiles.revision)))
    .orderBy(addedProfiles.createdAt, addedProfiles.name);
  return rows.map(({ added_profiles: added, models: model }) => ({
    name: added.name,
    chunking: { size: added.chunkSize, overlap: added.chunkOverlap },
    model: modelOfRow(model),
    limit: added.searchLimit,
    threshold: added.similarityThreshold,
  }));
}

async function readRegisteredModels(database: Queryable): Promise<Map<string, Model>> {
  const rows = await database
    .select({ name: profiles.name, model: models })
    .from(profiles)
    .innerJoin(models, and(eq(models.id, profiles.model), eq(models.revision, profiles.revision)));
  return new Map(rows.map(({ name, model }) => [name, modelOfRow(model)]));
}
