import { loadConfig } from "@reembed/config";
import { messageOf } from "@reembed/core";
import { guardOptions } from "@reembed/migration/rollout";
import { followSettings } from "@reembed/migration/settings";
import { createStagesReader, readStatus } from "@reembed/migration/status";
import { describeQueueLimits, EmbedQueues, TickQueue } from "@reembed/queue";
import { createLogger, repeatEvery } from "@reembed/runtime";
import type { Command } from "commander";
import { untilStopped } from "../hosting/serve.ts";
import { openServices } from "../hosting/services.ts";
import { describeStatuses } from "../output/describe-status.ts";
import { redrawing } from "../output/redraw.ts";

interface StatusFlags {
  watch?: boolean;
  json?: boolean;
}

const watchMs = 1_000;

export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("show the progress of every profile")
    .option("--watch", "refresh every second until Ctrl-C")
    .option("--json", "print one JSON object per profile")
    .action(async ({ watch, json }: StatusFlags) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      const open = async (scope: AsyncDisposableStack) => {
        const { database, queue } = scope.use(await openServices(config, log));
        const queues = scope.use(new EmbedQueues(queue, () => {}));
        const ticks = scope.use(new TickQueue(queue, () => {}));
        const { tickMs } = config.producer;
        const migrationStages = createStagesReader(database, followSettings(database, config, guardOptions));
        return async () => {
          const statuses = await readStatus(database, queues);
          const migration = await migrationStages.read();
          if (json)
            return statuses.map((status) => JSON.stringify({ ...status, migration: migration ?? null })).join("\n");
          const tickLimits = await describeQueueLimits(ticks.bullmq);
          return describeStatuses(statuses, new Date(), { tickLimits, tickMs, migration, schema: config.schema });
        };
      };
      if (!watch) {
        await using scope = new AsyncDisposableStack();
        const read = await open(scope);
        return void process.stdout.write(`${await read()}\n`);
      }
      const draw = json ? (text: string) => void process.stdout.write(`${text}\n`) : redrawing(process.stdout);
      const onError = (error: unknown) => log.warn({ error: messageOf(error) }, "the status could not be read");
      await untilStopped({ log, name: "status" }, async (scope) => {
        const read = await open(scope);
        scope.use(repeatEvery(watchMs, async () => draw(await read()), onError));
      });
    });
}
