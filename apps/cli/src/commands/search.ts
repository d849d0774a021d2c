import { loadConfig } from "@reembed/config";
import { startOperations } from "@reembed/http";
import { followSettings } from "@reembed/migration/settings";
import { createLogger, createMetrics } from "@reembed/runtime";
import { resolveSearchHost, startSearch } from "@reembed/search";
import { describeServer } from "@reembed/store/database";
import { type Command, InvalidArgumentError } from "commander";
import { parseDevice } from "../hosting/devices.ts";
import { openSearchServices } from "../hosting/search-services.ts";
import { patienceFor, serveUntilSignal } from "../hosting/serve.ts";
import { portNumber, waitOption } from "../options.ts";

interface SearchFlags {
  device: string;
  host?: string;
  port?: number;
  wait: number;
  json?: boolean;
}

export function registerSearch(program: Command): void {
  program
    .command("search")
    .description(
      "answer queries with the profile that the rollout chooses for each subject; a page shows both profiles",
    )
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>, for both models", oneDevice, "cpu")
    .option(
      "--host <address>",
      "address to listen on (default: SEARCH_HOST); addresses other than loopback need SEARCH_API_KEY",
    )
    .option("--port <port>", "port to listen on, 0 for a free one (default: SEARCH_PORT)", portNumber)
    .addOption(waitOption())
    .option("--json", "print one JSON object when it is ready")
    .action(async ({ json, device, wait, ...address }: SearchFlags) => {
      const config = loadConfig(process.env);
      const settings = { ...config.search, ...address };
      // Checked first, so that a refusal does not wait for the models.
      await resolveSearchHost(settings.host, settings.apiKey);
      const log = createLogger(config.logLevel);
      const { telemetry } = config;
      await serveUntilSignal({ log, name: "search", json, telemetry }, async (scope) => {
        const patience = patienceFor(wait, log);
        const { database, rollout, embedders } = await openSearchServices(config, { device, log, patience, scope });
        const metrics = createMetrics();
        const { trustedProxies, operationsPort } = config;
        const guardrails = followSettings(database, config, (present) => present.guardrails);
        const options = { database, embedders, ...settings, guardrails, trustedProxies, metrics, log };
        const search = scope.use(await patience(describeServer(database), () => startSearch(options)));
        if (operationsPort !== undefined) {
          const { port } = scope.use(
            await startOperations({ port: operationsPort, metrics, checks: search.checks, log }),
          );
          log.info({ port }, "health and metrics ready");
        }
        const { baseline, candidate } = rollout;
        return { url: search.url, baseline, candidate, device };
      });
    });
}

function oneDevice(text: string): string {
  const device = parseDevice(text);
  if (device === "cuda:all")
    throw new InvalidArgumentError("It must be one device: cpu, webgpu, cuda or cuda:<number>.");
  return device;
}
