import { configuredProfile, loadConfig } from "@reembed/config";
import { chooseDevice } from "@reembed/embedder";
import { estimateBackfill } from "@reembed/migration/estimate";
import { createLogger } from "@reembed/runtime";
import { readProfile } from "@reembed/store/profiles";
import { readLiveWorkers, recordEstimate } from "@reembed/store/progress";
import type { Command } from "commander";
import { parseOneDevice } from "../hosting/devices.ts";
import { openServices } from "../hosting/services.ts";
import { wholeNumberFrom } from "../options.ts";
import { describeEstimate } from "../output/describe-estimate.ts";
import { printResult } from "../output/print.ts";

interface EstimateFlags {
  profile?: string;
  workers?: number;
  device: string;
  sample: number;
  seconds: number;
  json?: boolean;
}

export function registerEstimate(program: Command): void {
  program
    .command("estimate")
    .description(
      "estimate the time and disk of a backfill, from a sample of the corpus and a short run of the model on this host",
    )
    .option("--profile <name>", "profile to embed (default: the candidate)")
    .option(
      "--workers <n>",
      "number of workers like this host (default: those that are running, or 1)",
      wholeNumberFrom(1),
    )
    .option("--device <device>", "cpu, webgpu, cuda or cuda:<number>", parseOneDevice, "cpu")
    .option("--sample <chunks>", "chunks to sample", wholeNumberFrom(100), 1_000)
    .option("--seconds <n>", "seconds to run the model", wholeNumberFrom(1), 15)
    .option("--json", "print one JSON object")
    .action(async (flags: EstimateFlags, command: Command) => {
      const settings = loadConfig(process.env);
      const log = createLogger(settings.logLevel);
      await using services = await openServices(settings, log);
      const { database, config } = services;
      const profile = configuredProfile(config, flags.profile ?? config.candidate.name);
      const asked = command.getOptionValueSource("device") !== "default";
      const device = chooseDevice(config, profile, flags.device, asked);
      const registered = await readProfile(database, profile.name);
      const live = (await readLiveWorkers(database)).filter((worker) => worker.profile === profile.name);
      const estimate = await estimateBackfill({
        ...{ database, config, log, profile, registered, device },
        workers: flags.workers ?? Math.max(1, live.length),
        sample: flags.sample,
        seconds: flags.seconds,
      });
      await recordEstimate(database, profile.name, estimate);
      printResult(
        estimate,
        flags.json,
        describeEstimate(estimate, { model: profile.model, chunking: registered.chunking }),
      );
    });
}
