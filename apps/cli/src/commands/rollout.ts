import { type Config, loadConfig } from "@reembed/config";
import {
  type Proof,
  proofs,
  type RolloutDecision,
  readRolloutStatus,
  rollBack,
  setPercent,
  setShadowPercent,
} from "@reembed/migration/rollout";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { type Command, InvalidArgumentError } from "commander";
import { openServices } from "../hosting/services.ts";
import { operatorName, person } from "../options.ts";
import { describeStatus } from "../output/describe-rollout.ts";
import { printResult, printUnchanged } from "../output/print.ts";

interface ChangeFlags extends RolloutDecision {
  dryRun?: boolean;
  json?: boolean;
}

export function registerRollout(program: Command): void {
  const rollout = program.command("rollout").description("decide whom the candidate answers");
  rollout
    .command("status")
    .description("show which profile answers whom, whether each could answer everybody, and the last changes")
    .option("--json", "print one JSON object")
    .action(({ json }: { json?: boolean }) => changeAndTell({ json }, async () => {}));
  changing(rollout, "set", "set the share of subjects that the candidate answers; each subject stays on one profile")
    .argument("<percent>", "0 to 100, in steps of 0.01", percent)
    .requiredOption("--reason <text>", "reason, recorded with the change")
    .option(
      "--overrule <proof=reason>",
      `continue without a proof (${proofs.join(", ")}); the reason is recorded`,
      overruling,
      {},
    )
    .action((share: number, flags: ChangeFlags) =>
      changeAndTell(flags, (database, config) => setPercent(database, config, share, flags)),
    );
  changing(rollout, "shadow", "set the share of the baseline's requests that the candidate answers too, unseen")
    .argument("<percent>", "0 to 100", percent)
    .option("--reason <text>", "reason, recorded with the change", "to compare")
    .action((share: number, flags: ChangeFlags) =>
      changeAndTell(flags, (database, config) => setShadowPercent(database, config, share, flags)),
    );
  registerRollback(rollout);
}

/** Registered as `reembed rollout rollback` and, for emergencies, as `reembed rollback`. */
export function registerRollback(parent: Command): void {
  changing(parent, "rollback", "have the baseline answer everybody again, within a second")
    .option("--reason <text>", "reason, recorded with the change", "rolled back by hand")
    .action((flags: ChangeFlags) => changeAndTell(flags, (database) => rollBack(database, flags)));
}

function changing(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object");
}

async function changeAndTell(
  { dryRun, json }: Pick<ChangeFlags, "dryRun" | "json">,
  change: (database: Database, config: Config) => Promise<void>,
): Promise<void> {
  const settings = loadConfig(process.env);
  await using services = await openServices(settings, createLogger(settings.logLevel), { dryRun });
  const { database, config } = services;
  await change(database, config);
  if (dryRun) return printUnchanged();
  const status = await readRolloutStatus(database, config);
  printResult(status, json, describeStatus(status));
}

/** Parses `index="it is built tonight"`: a proof, and why it may be missing. The option can be repeated. */
function overruling(text: string, known: Partial<Record<Proof, string>>): Partial<Record<Proof, string>> {
  const [, name, reason = ""] = text.match(/^([a-z]+)=(.*)$/s) ?? [];
  const proof = proofs.find((one) => one === name);
  if (proof !== undefined && reason.trim() !== "") return { ...known, [proof]: reason.trim() };
  throw new InvalidArgumentError(
    `It must be one of ${proofs.join(", ")} with a reason, such as ${proofs.at(-1)}="why".`,
  );
}

function percent(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d{1,2})?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 100 with at most two decimals.");
}
