import { loadConfig } from "@reembed/config";
import { followSettings } from "@reembed/migration/settings";
import { startProducer } from "@reembed/producer";
import { createLogger, createMetrics } from "@reembed/runtime";
import type { Command } from "commander";
import { gaugeProfiles, serveOperations } from "../hosting/operations.ts";
import { patienceFor, serveUntilSignal } from "../hosting/serve.ts";
import { openServices } from "../hosting/services.ts";
import { waitOption } from "../options.ts";

export function registerProducer(program: Command): void {
  program
    .command("producer")
    .description("enqueue the chunks to embed, on a schedule; any number of producers may run")
    .addOption(waitOption())
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ wait, json }: { wait: number; json?: boolean }) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      const { telemetry } = config;
      await serveUntilSignal({ log, name: "producer", json, telemetry }, async (scope) => {
        const services = scope.use(await openServices(config, log, { patience: patienceFor(wait, log) }));
        const { webhook, maxQuarantinedShare } = config;
        const { lockDurationMs } = config.worker;
        const readSettings = followSettings(services.database, config, ({ producer }) => producer);
        const metrics = createMetrics();
        const options = { ...config.producer, readSettings, lockDurationMs, webhook, maxQuarantinedShare, log };
        scope.use(await startProducer({ ...services, ...options }));
        const beforeScrape = gaugeProfiles(services, metrics, scope);
        await serveOperations(config, services, { metrics, beforeScrape, log }, scope);
        return { tickMs: config.producer.tickMs };
      });
    });
}
