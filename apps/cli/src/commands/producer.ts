import { loadConfig } from "@reembed/config";
import { startProducer } from "@reembed/producer";
import { createLogger, createMetrics } from "@reembed/runtime";
import type { Command } from "commander";
import { gaugeProfiles, serveOperations } from "../operations.ts";
import { serveUntilSignal } from "../serve.ts";
import { openServices } from "../services.ts";

export function registerProducer(program: Command): void {
  program
    .command("producer")
    .description("enqueue what is to be embedded, on a schedule; any number may run")
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using scope = new AsyncDisposableStack();
      const services = scope.use(await openServices(config, log));
      const { lockDurationMs } = config.worker;
      const metrics = createMetrics();
      scope.use(await startProducer({ ...services, ...config.producer, lockDurationMs, log }));
      const beforeScrape = gaugeProfiles(services, metrics, scope);
      await serveOperations(config, services, { metrics, beforeScrape, log }, scope);
      await serveUntilSignal(log, "producer", { tickMs: config.producer.tickMs }, json);
    });
}
