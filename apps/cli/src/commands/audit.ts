import { loadConfig } from "@reembed/config";
import { formatMoment, formatTable } from "@reembed/core";
import { type AuditEntry, readAudit } from "@reembed/migration/audit";
import { createLogger } from "@reembed/runtime";
import { checkTables } from "@reembed/store/database";
import type { Command } from "commander";
import { openBareDatabase } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { printResult } from "../output/print.ts";

export function registerAudit(program: Command): void {
  program
    .command("audit")
    .description("list who changed what, from where to where, and why: the rollout, backfills, bounds, retries, tokens")
    .option("--limit <n>", "maximum number of changes, the last first", wholeNumberFrom(1), 50)
    .option("--json", "print one JSON object")
    .action(async ({ limit, json }: { limit: number; json?: boolean }) => {
      const settings = loadConfig(process.env);
      await using opened = await openBareDatabase(settings, createLogger(settings.logLevel));
      await checkTables(opened.database);
      const changes = await readAudit(opened.database, limit);
      printResult({ changes }, json, describeChanges(changes));
    });
}

function describeChanges(changes: readonly AuditEntry[]): string {
  if (changes.length === 0) return "Nothing has been changed yet.";
  const rows = changes.map(({ at, by, as, what, from, to, why }) => [
    ...[formatMoment(at), as === null ? by : `${by}, ${as}`, what],
    ...[from ?? "environment", to ?? "environment", why],
  ]);
  return formatTable([["when", "who", "what", "from", "to", "why"], ...rows], 6);
}
