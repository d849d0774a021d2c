import { loadConfig } from "@reembed/config";
import { startDashboard } from "@reembed/dashboard";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { serveUntilSignal } from "../serve.ts";
import { openServices } from "../services.ts";

export function registerDashboard(program: Command): void {
  program
    .command("dashboard")
    .description("serve the overview and Bull Board on this machine")
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      await using scope = new AsyncDisposableStack();
      const { database, queue } = scope.use(await openServices(config, log));
      const dashboard = scope.use(await startDashboard({ database, queue, port: config.dashboard.port, log }));
      await serveUntilSignal(log, "dashboard", { overview: dashboard.url, board: `${dashboard.url}board` }, json);
    });
}
