import { formatCount, ReembedError } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import {
  buildExposedIndex,
  type CreatedExposure,
  createExposure,
  planExposure,
  removeExposure,
  servingIndex,
  type VectorType,
} from "@reembed/store/exposure";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { readRollout } from "@reembed/store/rollout";
import { analyzeVectors, openSession, prepareBuild, readBuildGround } from "@reembed/store/search";
import { planBuild } from "../index/plan-build.ts";
import { requireSameRows } from "./same-rows.ts";

export interface ExposeOptions {
  profile: string;
  /** The type of the vectors in the view. */
  type: VectorType;
  /** Roles that may use the schema from now on, in addition to those that already may. */
  roles: readonly string[];
  /** Prints the statements and changes nothing; the database does that itself. */
  dryRun: boolean;
  onStep: (step: string) => void;
}

/** The output of `reembed expose --json`. */
export interface ExposureReport extends CreatedExposure {
  profile: string;
  schema: string;
  /** The application's table, and the view of its name. */
  table: string;
  type: VectorType;
  dimensions: number;
  /** Rows with a vector, which the view shows, and all rows. */
  rows: { shown: number; all: number };
  /** The index that serves `order by embedding <=> $1`; null if every vector is compared. */
  index: string | null;
  warnings: string[];
}

/**
 * Gives an application a schema in which its table has a profile's vectors, so that it can switch its reads by its
 * search_path. It can be repeated at any time, for example after the application has changed its table.
 * @throws ReembedError `not_same_rows`, or of `planExposure` and `createExposure`.
 */
export async function exposeProfile(
  database: Database,
  { profile: name, type, roles, dryRun, onStep }: ExposeOptions,
): Promise<ExposureReport> {
  const profile = requireSameRows(await readProfile(database, name));
  const { baseline } = await readRollout(database);
  const baselineDimensions = (await readProfile(database, baseline)).dimensions;
  const exposed = await planExposure(database, profile, { type, baselineDimensions });
  const { vectors, table } = exposed;
  if (!vectors.isOwnIndex && !dryRun && profile.ann !== null) {
    onStep(`building an index for vectors of type ${type}, length ${vectors.length}, by ${vectors.operator}`);
    await using session = await openSession(database);
    const ground = await readBuildGround(database, profile);
    await prepareBuild(session, planBuild({ kind: "hnsw" }, { dimensions: vectors.length }, ground, undefined));
    await buildExposedIndex(session, exposed);
    await analyzeVectors(session, profile);
  }
  const created = await createExposure(database, exposed, roles);
  const { chunks, embedded } = await readCoverage(database, profile);
  const rows = { shown: embedded, all: chunks };
  const index = dryRun ? null : await servingIndex(database, exposed);
  return {
    ...created,
    profile: name,
    schema: exposed.schema.replaceAll('"', ""),
    table: profile.source.table,
    type,
    dimensions: vectors.length,
    rows,
    index,
    warnings: warningsOf({ index, rows, created, owner: table.isOwned ? null : table.owner, profile }),
  };
}

/** Removes a profile's exposure. @throws ReembedError `not_exposed` (exit code 3). */
export async function unexposeProfile(database: Database, profile: string): Promise<void> {
  if (await removeExposure(database, profile)) return;
  throw new ReembedError("not_exposed", `There is no exposure of ${profile}.`, { exitCode: 3 });
}

function warningsOf({
  index,
  rows,
  created,
  owner,
  profile,
}: Pick<ExposureReport, "index" | "rows"> & {
  created: CreatedExposure;
  owner: string | null;
  profile: RegisteredProfile;
}): string[] {
  const warnings = created.functions.skipped.map(
    ({ signature, reason }) => `${signature} has no counterpart: ${reason}. Create one in the schema by hand.`,
  );
  if (rows.shown < rows.all) {
    warnings.push(
      `${formatCount(rows.all - rows.shown)} of ${formatCount(rows.all)} rows have no vector yet, and are not shown.`,
    );
  }
  if (index === null) {
    const remedy = `run \`reembed index build --profile ${profile.name}\`${profile.ann === null ? ", and then this command again" : ""}`;
    warnings.push(`No index serves the view, so every vector is compared: ${remedy}.`);
  }
  if (owner !== null && created.roles.length === 0) {
    warnings.push(`No role may use the schema yet. The table's owner is ${owner}: --role ${owner}.`);
  }
  return warnings;
}
