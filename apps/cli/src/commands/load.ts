import { loadConfig } from "@reembed/config";
import { formatCount } from "@reembed/core";
import { loadCorpus } from "@reembed/migration/load";
import { createLogger } from "@reembed/runtime";
import { refuseAdopted } from "@reembed/store/adoption";
import type { StoredDocuments } from "@reembed/store/corpus";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";

export function registerLoad(program: Command): void {
  program
    .command("load <path>")
    .description("load documents from a folder of .txt and .md files, or from a .jsonl file")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async (path: string, { json, dryRun }: { json?: boolean; dryRun?: boolean }) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
      await refuseAdopted(services.database);
      using bars = progressBars();
      const bar = bars.add("loading", "bytes");
      const { stored, problems } = await loadCorpus(services.database, path, (done, total) => bar.update(done, total));
      for (const { place, reason } of problems) process.stderr.write(`skipped ${place}: ${reason}\n`);
      if (dryRun) printUnchanged();
      else printResult({ ...stored, skipped: problems.length }, json, describe(stored, problems.length));
      if (problems.length > 0) process.exitCode = 1;
    });
}

function describe({ added, changed, unchanged, chunks }: StoredDocuments, skipped: number): string {
  return [
    `documents  ${formatCount(added)} added, ${formatCount(changed)} changed, ${formatCount(unchanged)} unchanged, ${formatCount(skipped)} skipped`,
    `chunks     ${formatCount(chunks.added)} added, ${formatCount(chunks.kept)} kept, ${formatCount(chunks.removed)} removed`,
  ].join("\n");
}
