import { loadConfig } from "@reembed/config";
import { startProducer } from "@reembed/producer";
import { createLogger, untilSignal } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../services.ts";

export function registerProducer(program: Command): void {
  program
    .command("producer")
    .description("enqueue what is to be embedded, on a schedule; any number may run")
    .action(async () => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using scope = new AsyncDisposableStack();
      const { database, queue } = scope.use(await openServices(config, log));
      const { lockDurationMs } = config.worker;
      scope.use(await startProducer({ database, queue, ...config.producer, lockDurationMs, log }));
      const stopped = untilSignal("SIGTERM", "SIGINT");
      log.info({ tickMs: config.producer.tickMs }, "producer ready");
      log.info({ signal: await stopped }, "producer stopping");
    });
}
