import { loadConfig, readAdjustable } from "@reembed/config";
import { resolveListenAddress, startDashboard } from "@reembed/dashboard";
import { guardOptions } from "@reembed/migration/rollout";
import { followSettings } from "@reembed/migration/settings";
import { createLogger, createMetrics } from "@reembed/runtime";
import type { Command } from "commander";
import { serveOperations } from "../hosting/operations.ts";
import { patienceFor, serveUntilSignal } from "../hosting/serve.ts";
import { openServices } from "../hosting/services.ts";
import { portNumber, waitOption } from "../options.ts";

interface DashboardFlags {
  host?: string;
  port?: number;
  wait: number;
  json?: boolean;
}

export function registerDashboard(program: Command): void {
  program
    .command("dashboard")
    .description("serve the overview and Bull Board")
    .option(
      "--host <address>",
      "address to listen on (default: DASHBOARD_HOST); addresses other than loopback need a password",
    )
    .option("--port <port>", "port to listen on, 0 for a free one (default: DASHBOARD_PORT)", portNumber)
    .addOption(waitOption())
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json, wait, ...address }: DashboardFlags) => {
      const config = loadConfig(process.env);
      const settings = { ...config.dashboard, ...address };
      const { trustedProxies } = config;
      // Checked first, so that a refusal does not wait for the database.
      await resolveListenAddress(settings.host, settings.password);
      const log = createLogger(config.logLevel);
      const { telemetry } = config;
      await serveUntilSignal({ log, name: "dashboard", json, telemetry }, async (scope) => {
        const services = scope.use(
          await openServices(config, log, { purpose: "dashboard", patience: patienceFor(wait, log) }),
        );
        const guard = followSettings(services.database, config, guardOptions);
        const readConfig = followSettings(services.database, { ...services.config, ...config }, (present) => present);
        const steering = { readConfig, given: readAdjustable(process.env) };
        const dashboard = scope.use(
          await startDashboard({ ...services, ...settings, guard, steering, trustedProxies, log }),
        );
        await serveOperations(config, services, { metrics: createMetrics(), log }, scope);
        return { overview: dashboard.url, board: `${dashboard.url}board` };
      });
    });
}
