import { loadConfig } from "@reembed/config";
import { startDashboard } from "@reembed/dashboard";
import { createLogger, untilSignal } from "@reembed/runtime";
import type { Command } from "commander";
import { openServices } from "../services.ts";

export function registerDashboard(program: Command): void {
  program
    .command("dashboard")
    .description("serve the overview and Bull Board on this machine")
    .action(async () => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using scope = new AsyncDisposableStack();
      const { database, queue } = scope.use(await openServices(config, log));
      const dashboard = scope.use(await startDashboard({ database, queue, port: config.dashboard.port, log }));
      const stopped = untilSignal("SIGTERM", "SIGINT");
      log.info({ overview: dashboard.url, board: `${dashboard.url}board` }, "dashboard ready");
      log.info({ signal: await stopped }, "dashboard stopping");
    });
}
