import { loadConfig } from "@reembed/config";
import { examine } from "@reembed/migration/doctor";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { parseOneDevice } from "../hosting/devices.ts";
import { wholeNumberFrom } from "../options.ts";
import { describeFindings } from "../output/describe-findings.ts";
import { printResult } from "../output/print.ts";

interface DoctorFlags {
  device?: string;
  sample?: number;
  json?: boolean;
}

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check this host, the servers and the corpus for problems before a migration")
    .option("--sample <n>", "vectors to embed again (default: 8 if the model's files are here)", wholeNumberFrom(0))
    .option("--device <device>", "device to try the models on, such as cuda or cuda:1", parseOneDevice)
    .option("--json", "print one JSON object")
    .action(async ({ device, sample, json }: DoctorFlags) => {
      const config = loadConfig(process.env);
      const findings = await examine(config, createLogger(config.logLevel), { sample, device });
      const count = (verdict: string) => findings.filter((finding) => finding.verdict === verdict).length;
      const result = { problems: count("problem"), warnings: count("warning"), findings };
      printResult(result, json, describeFindings(findings));
      if (result.problems > 0) process.exitCode = 3;
    });
}
