import { loadConfig } from "@reembed/config";
import { readReport } from "@reembed/migration/report";
import { describeStages } from "@reembed/migration/status";
import { EmbedQueues } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { writeDocument } from "../documents/document.ts";
import { reportDocument } from "../documents/report-document.ts";
import { openServices } from "../hosting/services.ts";
import { printResult } from "../output/print.ts";

interface ReportFlags {
  output?: string;
  json?: boolean;
}

export function registerReport(program: Command): void {
  program
    .command("report")
    .description("write down a migration so far: its course, proofs, quality, incidents, settings and models")
    .option("--output <file>", "where to write it as HTML (default: reembed-report.html, or nowhere with --json)")
    .option("--json", "print one JSON object")
    .action(async ({ output, json }: ReportFlags) => {
      const settings = loadConfig(process.env);
      await using services = await openServices(settings, createLogger(settings.logLevel));
      await using queues = new EmbedQueues(services.queue, () => {});
      const { database, config } = services;
      const report = await readReport({ database, queues, config });
      const path = output ?? (json ? undefined : "reembed-report.html");
      if (path !== undefined) await writeDocument(path, reportDocument(report));
      const stage = report.migration === null ? "" : `${describeStages(report.migration, new Date(report.at)).is}\n`;
      printResult(report, json, `${stage}The report is in ${path}.`);
    });
}
