import { ReembedError } from "@reembed/core";
import { eq, inArray, ne, sql } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { type AdoptedSource, chunkings } from "../schema/corpus.ts";
import { type AnnSettings, type BackfillOrder, type ProfileState, profiles } from "../schema/profiles.ts";

/** A profile in the database, with the relation that its chunks are read from. */
export interface RegisteredProfile {
  name: string;
  chunking: string;
  relation: string;
  /** The application's tables, if the chunking was adopted. */
  source: AdoptedSource | null;
  model: string;
  revision: string;
  dimensions: number;
  /** Maximum number of results of a search. */
  limit: number;
  /** Minimum cosine similarity of a result. */
  threshold: number;
  state: ProfileState;
  /** Whether its backfill has been complete and most of its vectors have remained since then. */
  wasComplete: boolean;
  backfillCursor: number;
  backfillTarget: number;
  backfillOrder: BackfillOrder;
  /** Share of the chunks at which the backfill stops; null means all. */
  backfillUntil: number | null;
  /** Maximum chunks per second; null means no limit. */
  backfillRate: number | null;
  paused: boolean;
  /** Why the last tick enqueued less than it could; null if nothing limited it. */
  throttleReason: string | null;
  estimate: Record<string, unknown> | null;
  ann: AnnSettings | null;
  /** The transaction that last wrote the profile's row, so it changes with every write. */
  version: string;
}

/** @throws ReembedError `profile_unregistered` (exit code 3) if `reembed init` has not run for it. */
export async function readProfile(database: Queryable, name: string): Promise<RegisteredProfile> {
  const [profile] = await selectProfiles(database).where(eq(profiles.name, name));
  if (profile === undefined) {
    throw new ReembedError("profile_unregistered", `Profile ${name} is not in the database.`, {
      exitCode: 3,
      remedy: "Run `reembed init` with the same environment.",
    });
  }
  return profile;
}

/** Those of these names that are registered, retired ones too. */
export async function findProfileNames(database: Queryable, names: readonly string[]): Promise<string[]> {
  const rows = await database
    .select({ name: profiles.name })
    .from(profiles)
    .where(inArray(profiles.name, [...names]));
  return rows.map(({ name }) => name);
}

/** All profiles except retired ones, whose vectors and perhaps chunks were removed. */
export async function readProfiles(database: Queryable): Promise<RegisteredProfile[]> {
  return await selectProfiles(database).where(ne(profiles.state, "retired")).orderBy(profiles.createdAt, profiles.name);
}

function selectProfiles(database: Queryable) {
  return database
    .select({
      name: profiles.name,
      chunking: profiles.chunking,
      relation: chunkings.relation,
      source: chunkings.source,
      model: profiles.model,
      revision: profiles.revision,
      dimensions: profiles.dimensions,
      limit: profiles.searchLimit,
      threshold: profiles.similarityThreshold,
      state: profiles.state,
      wasComplete: sql<boolean>`${profiles.completedAt} is not null`,
      backfillCursor: profiles.backfillCursor,
      backfillTarget: profiles.backfillTarget,
      backfillOrder: profiles.backfillOrder,
      backfillUntil: profiles.backfillUntil,
      backfillRate: profiles.backfillRate,
      paused: profiles.paused,
      throttleReason: profiles.throttleReason,
      estimate: profiles.estimate,
      ann: profiles.ann,
      version: sql<string>`${profiles}.xmin::text`,
    })
    .from(profiles)
    .innerJoin(chunkings, eq(chunkings.name, profiles.chunking))
    .$dynamic();
}
