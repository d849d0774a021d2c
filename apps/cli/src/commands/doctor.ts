import { loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import type { Command } from "commander";
import { describeFindings } from "../doctor/describe-findings.ts";
import { examine } from "../doctor/examine.ts";
import { wholeNumberFrom } from "../options.ts";
import { printResult } from "../output.ts";
import { parseOneDevice } from "../supervisor/devices.ts";

interface DoctorFlags {
  device?: string;
  sample?: number;
  json?: boolean;
}

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("look at this host, the servers and the corpus for what would go wrong, before it does")
    .option("--sample <n>", "vectors to compute again (default: 8 where the model is here)", wholeNumberFrom(0))
    .option("--device <device>", "try the models on it, such as cuda or cuda:1", parseOneDevice)
    .option("--json", "print one JSON object")
    .action(async ({ device, sample, json }: DoctorFlags) => {
      const config = loadConfig(process.env);
      const findings = await examine(config, createLogger(config.logLevel), { sample, device });
      const count = (verdict: string) => findings.filter((finding) => finding.verdict === verdict).length;
      const result = { mend: count("mend"), warnings: count("warning"), findings };
      printResult(result, json, describeFindings(findings));
      if (result.mend > 0) process.exitCode = 3;
    });
}
