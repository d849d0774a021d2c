import { formatBytes } from "@reembed/core";
import { type ReplicationFacts, readReplication, type ServerFacts } from "@reembed/store/diagnosis";
import type { Check } from "./context.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export const checkReplication: Check = async ({ database, server, config }) => {
  if (database === undefined || server === undefined || config.databaseUrl === undefined) return [];
  return judgeReplication(server, await readReplication(database));
};

export function judgeReplication(
  { fsync, synchronousStandbys, walLevel }: Pick<ServerFacts, "fsync" | "synchronousStandbys" | "walLevel">,
  { replicas, visible, synchronous, deadSlots }: ReplicationFacts,
): Finding[] {
  const check = "replication";
  const findings: Finding[] = [];
  if (synchronousStandbys !== "" && synchronous === 0 && visible === replicas) {
    findings.push(
      problem(
        check,
        `every commit waits for ${synchronousStandbys}, and no such standby is connected`,
        "Start the standby, or set synchronous_standby_names to an empty list.",
      ),
    );
  }
  if (visible < replicas) {
    findings.push(
      warning(
        check,
        `${replicas - visible} of ${replicas} replicas hide their lag from this role, so that the backfill cannot pause for it`,
        "Run GRANT pg_read_all_stats TO the role in DATABASE_URL.",
      ),
    );
  }
  for (const { name, keptBytes } of deadSlots) {
    const kept = keptBytes === null ? "" : `, ${formatBytes(keptBytes)} so far`;
    findings.push(
      warning(
        check,
        `nobody reads the replication slot ${name}, so the server keeps all its log${kept}; a backfill writes as much log as vectors`,
        `Start its reader again, or run SELECT pg_drop_replication_slot('${name.replaceAll("'", "''")}').`,
      ),
    );
  }
  const unsafe = warning("fsync", "off: a crash of the host can destroy the database", "Turn fsync on.");
  const rest = fsync ? [] : [unsafe];
  if (findings.length > 0) return [...findings, ...rest];
  const says = replicas === 0 ? `none (wal_level ${walLevel})` : `${replicas} connected, their lag is visible`;
  return [ok(check, says), ...rest];
}
