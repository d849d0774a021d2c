import { loadConfig } from "@reembed/config";
import { formatBytes } from "@reembed/core";
import { type Need, needs, type UninstallReport, uninstall } from "@reembed/migration/uninstall";
import { createLogger } from "@reembed/runtime";
import { type Command, InvalidArgumentError } from "commander";
import { openServices } from "../hosting/services.ts";
import { askPerson } from "../output/ask-person.ts";
import { printResult } from "../output/print.ts";

interface UninstallFlags {
  overrule: Partial<Record<Need, string>>;
  yes?: boolean;
  json?: boolean;
}

export function registerUninstall(program: Command): void {
  program
    .command("uninstall")
    .description(
      "remove everything of Reembed from the database, after a proof that the application goes on without it",
    )
    .option("--overrule <need=reason>", `continue although it is needed (${needs.join(", ")})`, overruling, {})
    .option("--yes", "do not ask for confirmation")
    .option("--json", "print one JSON object")
    .action(async ({ overrule, yes, json }: UninstallFlags) => {
      const config = loadConfig(process.env);
      await using services = await openServices(config, createLogger(config.logLevel));
      const removed = await uninstall(services, { overrule, confirm: yes ? async () => true : askPerson });
      if (removed === undefined) return void process.stderr.write("Nothing was removed.\n");
      printResult(removed, json, describe(removed));
    });
}

function describe({ schemas, bytes, proven }: UninstallReport): string {
  return [
    `Reembed is removed: ${schemas.join(", ")}, ${formatBytes(bytes)}.`,
    ...proven.map(
      ({ table, outcome }) =>
        `${table}: ${Object.entries(outcome)
          .map(([kind, end]) => `${kind} ${end}`)
          .join(", ")}, before and after`,
    ),
  ].join("\n");
}

/** Parses `rollout="we go back to the old model"`. The option can be repeated. */
function overruling(text: string, known: Partial<Record<Need, string>>): Partial<Record<Need, string>> {
  const [, name, reason = ""] = text.match(/^([a-z]+)=(.*)$/s) ?? [];
  const need = needs.find((one) => one === name);
  if (need !== undefined && reason.trim() !== "") return { ...known, [need]: reason.trim() };
  throw new InvalidArgumentError(`It must be one of ${needs.join(", ")} with a reason, such as ${needs[0]}="why".`);
}
