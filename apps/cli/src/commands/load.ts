import { loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import { refuseAdopted, type StoredDocuments } from "@reembed/store";
import type { Command } from "commander";
import { loadCorpus } from "../corpus/load-corpus.ts";
import { formatCount, printResult, printUnchanged } from "../output.ts";
import { progressBars } from "../progress.ts";
import { openServices } from "../services.ts";

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
