import { type Config, loadConfig } from "@reembed/config";
import { createLogger } from "@reembed/runtime";
import { type Database, environmentName, guardrailName } from "@reembed/store";
import { type Command, InvalidArgumentError } from "commander";
import { operatorName } from "../options.ts";
import { printResult, printUnchanged } from "../output.ts";
import { type Decision, rollBack, setPercent, setShadowPercent } from "../rollout/change-share.ts";
import { describeStatus } from "../rollout/describe-status.ts";
import { type Proof, proofs } from "../rollout/guards.ts";
import { readRolloutStatus } from "../rollout/rollout-status.ts";
import { openServices } from "../services.ts";

interface ChangeFlags extends Decision {
  dryRun?: boolean;
  json?: boolean;
}

export function registerRollout(program: Command): void {
  const rollout = program.command("rollout").description("decide who is answered by the candidate");
  rollout
    .command("status")
    .description("who is answered by which profile, whether both could serve everybody, and what was changed")
    .option("--json", "print one JSON object")
    .action(({ json }: { json?: boolean }) => changeAndTell({ json }, async () => {}));
  changing(rollout, "set", "have the candidate answer a share of subjects, each of them always or never")
    .argument("<percent>", "0 to 100, in steps of 0.01", percent)
    .requiredOption("--reason <text>", "why, for those who look at it later")
    .option(
      "--overrule <proof=reason>",
      `go on without a proof (${proofs.join(", ")}); this is recorded`,
      overruling,
      {},
    )
    .action((share: number, flags: ChangeFlags) =>
      changeAndTell(flags, (database, config) => setPercent(database, config, share, flags)),
    );
  changing(rollout, "shadow", "have the candidate answer a share of the baseline's requests too, unseen")
    .argument("<percent>", "0 to 100", percent)
    .option("--reason <text>", "why, for those who look at it later", "to compare")
    .action((share: number, flags: ChangeFlags) =>
      changeAndTell(flags, (database, config) => setShadowPercent(database, config, share, flags)),
    );
  registerRollback(rollout);
}

/** As `reembed rollout rollback` and, for whoever is in a hurry, as `reembed rollback`. */
export function registerRollback(parent: Command): void {
  changing(parent, "rollback", "give everybody back to the baseline, within a second")
    .option("--reason <text>", "why, for those who look at it later", "rolled back by hand")
    .action((flags: ChangeFlags) => changeAndTell(flags, (database) => rollBack(database, flags)));
}

function changing(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--by <name>", "who decides", person, operatorName())
    .option("--dry-run", "print the SQL that would be run, and change nothing")
    .option("--json", "print one JSON object");
}

async function changeAndTell(
  { dryRun, json }: Pick<ChangeFlags, "dryRun" | "json">,
  change: (database: Database, config: Config) => Promise<void>,
): Promise<void> {
  const config = loadConfig(process.env);
  await using services = await openServices(config, createLogger(config.logLevel), { dryRun });
  await change(services.database, config);
  if (dryRun) return printUnchanged();
  const status = await readRolloutStatus(services.database, config);
  printResult(status, json, describeStatus(status));
}

/** Two names are no person's: what they did is told apart from what people did. */
function person(name: string): string {
  if (name !== guardrailName && name !== environmentName) return name;
  throw new InvalidArgumentError("It must be the name of a person.");
}

/** `index="it is built tonight"`: one proof, and why it may be missing. The option can be given again. */
function overruling(text: string, known: Partial<Record<Proof, string>>): Partial<Record<Proof, string>> {
  const [, name, reason = ""] = text.match(/^([a-z]+)=(.*)$/s) ?? [];
  const proof = proofs.find((one) => one === name);
  if (proof !== undefined && reason.trim() !== "") return { ...known, [proof]: reason.trim() };
  throw new InvalidArgumentError(`It must be one of ${proofs.join(", ")}, with a reason: ${proofs.at(-1)}="why".`);
}

function percent(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d{1,2})?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 100 with two decimals at most.");
}
