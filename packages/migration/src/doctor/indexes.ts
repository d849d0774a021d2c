import { formatBytes, formatCount } from "@reembed/core";
import { hasIndexOn, type IndexFacts, readAnnIndexes } from "@reembed/store/diagnosis";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { embeddingsPartition } from "@reembed/store/schema";
import { adoptedVectors } from "./adopted-vectors.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** With fewer vectors, comparing all of them takes a fraction of a second. */
const exactBelow = 20_000;

export const checkIndexes: Check = async (context) => {
  const { database, config, registered } = context;
  if (database === undefined || config.databaseUrl === undefined) return [];
  const findings: Finding[] = [];
  for (const profile of registered) {
    const indexes = await readAnnIndexes(database, embeddingsPartition(profile.name));
    const { embedded } = await readCoverage(database, profile);
    findings.push(...judgeOwnIndexes(profile, indexes, embedded));
    const source = adoptedVectors(context, profile);
    if (source === null) continue;
    findings.push(...judgeAdoptedIndexes(source.table, await readAnnIndexes(database, source.table)));
    if (source.document === undefined) continue;
    findings.push(
      judgeDocumentIndex(source.table, source.document, await hasIndexOn(database, source.table, source.document)),
    );
  }
  return findings;
};

export function judgeOwnIndexes(
  { name, state }: Pick<RegisteredProfile, "name" | "state">,
  indexes: readonly IndexFacts[],
  rows: number,
): Finding[] {
  const check = `ANN index of ${name}`;
  const invalid = judgeValidity(
    check,
    indexes,
    () => `Run \`reembed index build --profile ${name}\`: it builds the index again.`,
  );
  if (indexes.length > 0) return invalid;
  if (state !== "backfilled" || rows < exactBelow) return [ok(check, `none, and ${formatCount(rows)} vectors`)];
  const says = `none, so a search compares all ${formatCount(rows)} vectors`;
  return [warning(check, says, `Run \`reembed index build --profile ${name}\`.`)];
}

export function judgeAdoptedIndexes(table: string, indexes: readonly IndexFacts[]): Finding[] {
  const check = `ANN index of ${table}`;
  if (indexes.length > 0) {
    return judgeValidity(check, indexes, (index) => `Run REINDEX INDEX CONCURRENTLY "${index}", or drop it.`);
  }
  return [
    warning(check, "none: the application's own searches compare every vector", "Build one, or continue without."),
  ];
}

export function judgeDocumentIndex(table: string, document: string, there: boolean): Finding {
  const check = `index on ${table} (${document})`;
  if (there) return ok(check, "it exists");
  const remedy = `Run CREATE INDEX CONCURRENTLY ON ${table} ((${document})).`;
  return warning(check, "none: finding a document's chunks reads the whole table", remedy);
}

function judgeValidity(check: string, indexes: readonly IndexFacts[], remedy: (index: string) => string): Finding[] {
  return indexes.map(({ name, kind, valid, building, sizeBytes }) => {
    if (valid) return ok(check, `${name}: ${kind}, ${formatBytes(sizeBytes)}`);
    if (building) return ok(check, `${name} is being built`);
    const says = `${name} is invalid: its build was interrupted, so that no search uses it and it slows down every write`;
    return warning(check, says, remedy(name));
  });
}
