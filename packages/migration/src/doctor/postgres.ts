import { ReembedError } from "@reembed/core";
import { requirePgvector, requirePostgres, requireUtf8 } from "@reembed/store/database";
import type { ServerFacts } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { type Finding, fromError, ok, problem, warning } from "./finding.ts";

/** Fixes in later versions of pgvector that concern indexes like ours, from its CHANGELOG.md. */
const fixedIn: readonly { version: string; defect: string }[] = [
  { version: "0.8.2", defect: "a buffer overflow in parallel builds of HNSW indexes, CVE-2026-3172" },
  { version: "0.8.3", defect: "possible corruption of HNSW indexes by vacuum" },
  { version: "0.8.4", defect: "errors of vacuum on HNSW indexes and of inserts meanwhile" },
  { version: "0.8.4", defect: "IVFFlat builds beyond maintenance_work_mem" },
  { version: "0.8.6", defect: "the memory of IVFFlat scans in nested loops" },
  { version: "0.8.7", defect: "a buffer overflow in IVFFlat builds" },
];

export const checkPostgres: Check = ({ server, config }) => {
  if (server === undefined) return [];
  const embedded = config.databaseUrl === undefined;
  return [judgePostgres(server), ...judgePgvector(server.pgvector, embedded)];
};

export function judgePostgres({
  major,
  version,
  readOnly,
  database,
  encoding,
}: Pick<ServerFacts, "major" | "version" | "readOnly" | "database" | "encoding">): Finding {
  const refusal = refusalOf(() => requirePostgres(major)) ?? refusalOf(() => requireUtf8(encoding));
  if (refusal !== undefined) return fromError("PostgreSQL", refusal);
  if (readOnly) {
    return problem("PostgreSQL", `${database} is read-only`, "Set DATABASE_URL to the primary instead of a standby.");
  }
  return ok("PostgreSQL", version);
}

/** The running code comes from the files on the server; the version in the database is that of its SQL objects. */
export function judgePgvector({ installed, available }: ServerFacts["pgvector"], embedded = false): Finding[] {
  const refusal = refusalOf(() => requirePgvector(installed ?? available));
  if (refusal !== undefined) return [fromError("pgvector", refusal)];
  const runs = available ?? installed ?? "";
  const noted = installed ?? `${runs}, which \`reembed init\` creates`;
  // The defects concern ANN indexes, which the embedded database does not have.
  if (embedded) return [ok("pgvector", noted)];
  const missing = fixedIn.filter(({ version }) => isOlder(runs, version));
  const update = "Install the newest 0.8 on the database's host, then run ALTER EXTENSION vector UPDATE.";
  if (missing.length > 0) {
    const defects = missing.map(({ version, defect }) => `${defect} (${version})`).join("; ");
    return [warning("pgvector", `${noted}; later versions have fixed ${defects}`, update)];
  }
  if (installed !== null && isOlder(installed, runs)) {
    const says = `${installed} in this database, ${runs} on the server`;
    return [warning("pgvector", says, "Run ALTER EXTENSION vector UPDATE.")];
  }
  return [ok("pgvector", noted)];
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}

function refusalOf(require: () => void): ReembedError | undefined {
  try {
    require();
    return undefined;
  } catch (error) {
    if (error instanceof ReembedError) return error;
    throw error;
  }
}
