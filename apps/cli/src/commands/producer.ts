import { loadConfig } from "@reembed/config";
import { startProducer } from "@reembed/producer";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
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
      const { database, queue } = scope.use(await openServices(config, log));
      const { lockDurationMs } = config.worker;
      scope.use(await startProducer({ database, queue, ...config.producer, lockDurationMs, log }));
      await serveUntilSignal(log, "producer", { tickMs: config.producer.tickMs }, json);
    });
}
