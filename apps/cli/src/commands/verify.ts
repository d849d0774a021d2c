import { configuredProfile, loadConfig } from "@reembed/config";
import { ReembedError } from "@reembed/core";
import { chooseDevice, startProfileEmbedder } from "@reembed/embedder";
import { startSpendingMeter } from "@reembed/migration/spending";
import { cosineBars, defaultVerification, notProven, verifyProfile } from "@reembed/migration/verify";
import { createLogger } from "@reembed/runtime";
import { type RegisteredProfile, readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { recordVerification } from "@reembed/store/verification";
import type { Command } from "commander";
import { parseOneDevice } from "../hosting/devices.ts";
import { openServices } from "../hosting/services.ts";
import { numberBetween, wholeNumberFrom } from "../options.ts";
import { describeVerification } from "../output/describe-verification.ts";
import { printResult } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";

interface VerifyFlags {
  profile?: string;
  sample: number;
  full?: boolean;
  device: string;
  minCosine: number;
  json?: boolean;
}

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("prove from texts and vectors that a profile is complete and right")
    .option("--profile <name>", "profile to verify (default: the candidate)")
    .option(
      "--sample <vectors>",
      "number of vectors to embed again, chosen at random",
      wholeNumberFrom(1),
      defaultVerification.sample,
    )
    .option("--full", "embed all vectors again")
    .option(
      "--device <device>",
      "cpu, webgpu, cuda or cuda:<number>; preferably the device that embedded them",
      parseOneDevice,
      "cpu",
    )
    .option(
      "--min-cosine <cosine>",
      "least cosine similarity to the stored vector",
      numberBetween(-1, 1),
      defaultVerification.minCosine,
    )
    .option("--json", "print one JSON object")
    .action(async (flags: VerifyFlags, command: Command) => {
      const settings = loadConfig(process.env);
      const log = createLogger(settings.logLevel);
      await using services = await openServices(settings, log);
      const { database, config } = services;
      const wanted = configuredProfile(config, flags.profile ?? config.candidate.name);
      const asked = command.getOptionValueSource("device") !== "default";
      const device = chooseDevice(config, wanted, flags.device, asked);
      const profile = await readProfile(database, wanted.name);
      refuseRetired(profile);
      const { chunks } = await readCoverage(database, profile);
      await using meter = startSpendingMeter({ database, config, profile: wanted, log });
      using drawn = progressBars();
      const bars = { check: drawn.add("checking", "chunks"), embed: drawn.add("embedding again", "texts") };
      const report = await verifyProfile({
        database,
        profile,
        startEmbedder: () => startProfileEmbedder(wanted, config, { device, log, meter }),
        sample: flags.full ? "all" : flags.sample,
        bars: cosineBars(flags.minCosine),
        maxQuarantinedShare: config.maxQuarantinedShare,
        onProgress: (stage, done) =>
          bars[stage].update(done, stage === "check" || flags.full ? chunks : Math.min(flags.sample, chunks)),
      });
      await recordVerification(database, { profile: profile.name, passed: report.passed, report: { ...report } });
      printResult(report, flags.json, describeVerification(report));
      if (!report.passed) throw notProven(report, database, config.producer.tickMs);
    });
}

function refuseRetired({ name, state }: RegisteredProfile): void {
  if (state !== "retired") return;
  throw new ReembedError("profile_retired", `Profile ${name} is retired: it has no vectors any more.`, { exitCode: 3 });
}
