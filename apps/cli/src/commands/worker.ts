import { configuredProfile, loadConfig } from "@reembed/config";
import { startOnnxEmbedder } from "@reembed/embedder";
import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store";
import { startWorker } from "@reembed/worker";
import { type Command, InvalidArgumentError, Option } from "commander";
import { serveUntilSignal } from "../serve.ts";
import { openServices } from "../services.ts";

interface WorkerFlags {
  profile?: string;
  device: string;
  concurrency?: number;
  json?: boolean;
}

export function registerWorker(program: Command): void {
  program
    .command("worker")
    .description("embed the batches of one profile; start one for every device")
    .option("--profile <name>", "profile to embed (default: the candidate)")
    .addOption(
      new Option("--device <device>", "where the model runs").choices(["cpu", "cuda", "webgpu"]).default("cpu"),
    )
    .option("--concurrency <batches>", "batches in hand at a time (default: WORKER_CONCURRENCY)", positiveInteger)
    .option("--json", "print one JSON object when it is ready")
    .action(async (flags: WorkerFlags) => {
      const config = loadConfig(process.env);
      const log = createLogger(config.logLevel);
      const wanted = configuredProfile(config, flags.profile ?? config.candidate.name);
      await using scope = new AsyncDisposableStack();
      const { database, queue } = scope.use(await openServices(config, log));
      const profile = await readProfile(database, wanted.name);
      const { tokenBudget, lockDurationMs } = config.worker;
      const concurrency = flags.concurrency ?? config.worker.concurrency;
      const { device } = flags;
      const embedder = scope.use(
        await startOnnxEmbedder({ model: wanted.model, modelsFolder: config.models.folder, device, tokenBudget }),
      );
      scope.use(await startWorker({ database, profile, embedder, queue, concurrency, lockDurationMs, log }));
      await serveUntilSignal(log, "worker", { profile: profile.name, device, concurrency }, flags.json);
    });
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
