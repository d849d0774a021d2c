import { loadConfig } from "@reembed/config";
import { type ProfileStatus, readStatus } from "@reembed/dashboard";
import { EmbedQueues } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { formatCount, formatShare, formatTable } from "../output.ts";
import { openServices } from "../services.ts";

export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("how far every profile is")
    .option("--json", "print one JSON object per profile")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel));
      await using queues = new EmbedQueues(services.queue, () => {});
      const statuses = await readStatus(services.database, queues);
      const lines = json ? statuses.map((status) => JSON.stringify(status)) : [describe(statuses)];
      process.stdout.write(`${lines.join("\n")}\n`);
    });
}

function describe(statuses: readonly ProfileStatus[]): string {
  const header = [
    "profile",
    "chunks",
    "embedded",
    "pending",
    "changes",
    "quarantined",
    "coverage",
    "queued",
    "failed",
    "workers",
  ];
  const rows = statuses.map((status) => [
    status.profile,
    ...[status.chunks, status.embedded, status.pending, status.changes, status.quarantined].map(formatCount),
    formatShare(status.coverage),
    formatCount(status.queue.waiting + status.queue.active + status.queue.delayed),
    formatCount(status.queue.failed),
    formatCount(status.workers.length),
  ]);
  return formatTable([header, ...rows]);
}
