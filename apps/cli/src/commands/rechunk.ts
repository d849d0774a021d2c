import { loadConfig } from "@reembed/config";
import { formatCount, formatTable } from "@reembed/core";
import { rechunkCorpus } from "@reembed/migration/rechunk";
import { createLogger } from "@reembed/runtime";
import type { RecutDocuments } from "@reembed/store/rechunking";
import type { Command } from "commander";
import { openServices } from "../hosting/services.ts";
import { printResult, printUnchanged } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";

export function registerRechunk(program: Command): void {
  program
    .command("rechunk")
    .description("cut every document that has changed or lacks chunks in some chunking; can be repeated at any time")
    .option("--dry-run", "print the SQL and change nothing")
    .option("--json", "print one JSON object")
    .action(async ({ json, dryRun }: { json?: boolean; dryRun?: boolean }) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
      using bars = progressBars();
      const bar = bars.add("rechunking", "documents");
      const recut = await rechunkCorpus(services.database, (done, total) => bar.update(done, total));
      if (dryRun) printUnchanged();
      else printResult(recut, json, describe(recut));
    });
}

function describe({ documents, removed, chunks, misfitDocuments, misfits, unplacedChunks }: RecutDocuments): string {
  const lines = [
    `documents  ${formatCount(documents)} cut, ${formatCount(removed)} removed`,
    `chunks     ${formatCount(chunks.added)} added, ${formatCount(chunks.kept)} kept, ${formatCount(chunks.removed)} removed`,
  ];
  if (unplacedChunks > 0) {
    lines.push(`unplaced   ${formatCount(unplacedChunks)} adopted chunks are not in their document's body`);
  }
  if (misfits.length > 0) {
    const rows = misfits.map(({ uri, seams }) => [uri, formatCount(seams)]);
    lines.push(
      `misfits    ${formatCount(misfitDocuments)} assembled from chunks that do not overlap, with a line feed in between`,
      formatTable([["document", "seams"], ...rows]),
    );
    if (misfitDocuments > misfits.length) lines.push(`and ${formatCount(misfitDocuments - misfits.length)} more`);
  }
  return lines.join("\n");
}
