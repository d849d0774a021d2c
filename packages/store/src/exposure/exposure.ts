import { messageOf, ReembedError } from "@reembed/core";
import { sql } from "drizzle-orm";
import type { Database, Queryable } from "../database/database.ts";
import { exposureMarker, schemaOf } from "../database/installation.ts";
import { withLockTimeout } from "../database/lock-timeout.ts";
import { quoted } from "../database/quoted.ts";
import type { RegisteredProfile } from "../profiles/profiles.ts";
import type { ChunkSource } from "../schema/corpus.ts";
import { exposedIndexName, exposedVectors, type VectorType } from "./exposed-vectors.ts";
import { functionStatements, type ReadingFunction, readFunctions } from "./functions.ts";
import { readTableFacts } from "./table-facts.ts";
import { type Exposed, grantStatements, revokeStatements, viewStatements } from "./view-statements.ts";
import { writeStatements } from "./write-statements.ts";

/** A schema in which an application's table has a profile's vectors. */
export interface Exposure {
  profile: string;
  /** Not quoted. */
  schema: string;
  /** The roles that may use it, without its owner. */
  roles: string[];
}

/** The name, not quoted, of the schema with a profile's exposure: of letters, digits and underscores. */
function exposureSchema(database: Database, profile: string): string {
  return `${schemaOf(database)}_${profile.replaceAll("-", "_")}`;
}

export async function readExposures(database: Database): Promise<Exposure[]> {
  const marker = exposureMarker(schemaOf(database));
  const { rows } = await database.execute<Record<keyof Omit<Exposure, "roles">, string> & { roles: string[] }>(sql`
    select substr(obj_description(n.oid, 'pg_namespace'), length(${marker}) + 1) as profile, n.nspname as schema,
      array(select pg_get_userbyid(a.grantee) from aclexplode(n.nspacl) a
        where a.grantee <> n.nspowner and a.grantee <> 0 and a.privilege_type = 'USAGE' order by 1)::text[] as roles
    from pg_namespace n where starts_with(obj_description(n.oid, 'pg_namespace'), ${marker}) order by n.nspname`);
  return rows;
}

/** Reads what an exposure needs to know of the application's table, and chooses the form of the vectors. */
export async function planExposure(
  database: Database,
  profile: RegisteredProfile & { source: ChunkSource },
  options: { type: VectorType; baselineDimensions: number },
): Promise<Exposed> {
  const table = await readTableFacts(database, profile.source);
  const vectors = exposedVectors(profile, table, options);
  const { baselineDimensions } = options;
  return { profile, table, vectors, baselineDimensions, schema: quoted(exposureSchema(database, profile.name)) };
}

export interface CreatedExposure {
  /** Functions with a counterpart, and those without one, with the reason. */
  functions: { copied: string[]; skipped: { signature: string; reason: string }[] };
  roles: string[];
}

/**
 * Creates the schema with everything in it, or creates it anew, in one transaction: sessions that use it wait for a moment,
 * and see the old one or the new one. Roles that could use it before still can.
 * @throws ReembedError `schema_taken` (exit code 3) and `role_missing` (exit code 2).
 */
export async function createExposure(
  database: Database,
  exposed: Exposed,
  roles: readonly string[],
): Promise<CreatedExposure> {
  const { profile, schema } = exposed;
  const found = await readFunctions(database, exposed.table);
  const before = (await readExposures(database)).find((exposure) => exposure.profile === profile.name);
  await refuseTaken(database, profile.name, before);
  await requireRoles(database, roles);
  const allowed = [...new Set([...(before?.roles ?? []), ...roles])];
  return await withLockTimeout(database, async (transaction) => {
    const run = (statement: string) => transaction.execute(sql.raw(statement));
    if (before !== undefined) await run(`drop schema ${schema} cascade`);
    await run(`create schema ${schema}`);
    await run(`comment on schema ${schema} is '${exposureMarker(schemaOf(database))}${profile.name}'`);
    for (const statement of [...viewStatements(exposed), ...writeStatements(exposed)]) await run(statement);
    const functions = await copyFunctions(transaction, exposed, found);
    for (const role of allowed) for (const statement of grantStatements(exposed, role)) await run(statement);
    return { functions, roles: allowed };
  });
}

async function requireRoles(database: Database, roles: readonly string[]): Promise<void> {
  const { rows } = await database.execute<{ role: string }>(sql`
    select role from unnest(${sql.param(roles)}::text[]) as role
    where role not in (select rolname from pg_roles) and role <> 'public'`);
  const [missing] = rows;
  if (missing === undefined) return;
  throw new ReembedError("role_missing", `There is no role ${missing.role} on the database's server.`, {
    exitCode: 2,
    remedy: "Give the role that the application connects with.",
  });
}

async function refuseTaken(database: Database, profile: string, before: Exposure | undefined): Promise<void> {
  const schema = exposureSchema(database, profile);
  const { rows } = await database.execute(sql`select from pg_namespace where nspname = ${schema}`);
  if (before !== undefined || rows.length === 0) return;
  throw new ReembedError("schema_taken", `There is a schema ${schema} that Reembed has not made.`, {
    exitCode: 3,
    remedy: `Rename it: ALTER SCHEMA ${schema} RENAME TO …`,
  });
}

/** A function that cannot be created over the view, for example by its types, is left out and reported. */
async function copyFunctions(
  transaction: Queryable,
  exposed: Exposed,
  found: readonly ReadingFunction[],
): Promise<CreatedExposure["functions"]> {
  const functions: CreatedExposure["functions"] = { copied: [], skipped: [] };
  for (const one of found) {
    const { signature, obstacle } = one;
    const reason = obstacle ?? (await create(transaction, functionStatements(exposed, one)));
    if (reason === null) functions.copied.push(signature);
    else functions.skipped.push({ signature, reason });
  }
  return functions;
}

/** Returns why PostgreSQL refused; null if it did not. */
async function create(transaction: Queryable, statements: readonly string[]): Promise<string | null> {
  await transaction.execute(sql`savepoint copied`);
  try {
    for (const statement of statements) await transaction.execute(sql.raw(statement));
    await transaction.execute(sql`release savepoint copied`);
    return null;
  } catch (error) {
    await transaction.execute(sql`rollback to savepoint copied`);
    return messageOf(error);
  }
}

/**
 * Removes a profile's exposure with its index and the rights that it needed. The schema, by which it is found, goes last, so
 * that it can be repeated after an interruption. Returns whether there was one.
 */
export async function removeExposure(database: Database, profile: string): Promise<boolean> {
  const exposures = await readExposures(database);
  const exposure = exposures.find((one) => one.profile === profile);
  if (exposure === undefined) return false;
  await database.execute(sql.raw(`drop index concurrently if exists reembed."${exposedIndexName({ name: profile })}"`));
  const elsewhere = new Set(exposures.flatMap((one) => (one === exposure ? [] : one.roles)));
  await withLockTimeout(database, async (transaction) => {
    for (const role of exposure.roles) {
      const statements = revokeStatements(profile, role, { isUsedElsewhere: elsewhere.has(role) });
      for (const statement of statements) await transaction.execute(sql.raw(statement));
    }
    await transaction.execute(sql.raw(`drop schema ${quoted(exposure.schema)} cascade`));
  });
  return true;
}
