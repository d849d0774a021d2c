import { version } from "@reembed/runtime/version";
import { Command } from "commander";
import { examples } from "./examples.ts";

/** In the order of the help. Each command is imported only when it is called, because importing all takes a second. */
const commands: Record<string, () => Promise<(program: Command) => void>> = {
  doctor: async () => (await import("./commands/doctor.ts")).registerDoctor,
  plan: async () => (await import("./commands/plan.ts")).registerPlan,
  rehearse: async () => (await import("./commands/rehearse.ts")).registerRehearse,
  init: async () => (await import("./commands/init.ts")).registerInit,
  load: async () => (await import("./commands/load.ts")).registerLoad,
  adopt: async () => (await import("./commands/adopt.ts")).registerAdopt,
  rechunk: async () => (await import("./commands/rechunk.ts")).registerRechunk,
  estimate: async () => (await import("./commands/estimate.ts")).registerEstimate,
  backfill: async () => (await import("./commands/backfill.ts")).registerBackfill,
  set: async () => (await import("./commands/set.ts")).registerSet,
  producer: async () => (await import("./commands/producer.ts")).registerProducer,
  worker: async () => (await import("./commands/worker.ts")).registerWorker,
  status: async () => (await import("./commands/status.ts")).registerStatus,
  quarantine: async () => (await import("./commands/quarantine.ts")).registerQuarantine,
  index: async () => (await import("./commands/index.ts")).registerIndex,
  verify: async () => (await import("./commands/verify.ts")).registerVerify,
  evaluate: async () => (await import("./commands/evaluate.ts")).registerEvaluate,
  report: async () => (await import("./commands/report.ts")).registerReport,
  search: async () => (await import("./commands/search.ts")).registerSearch,
  rollout: async () => (await import("./commands/rollout.ts")).registerRollout,
  rollback: async () => (await import("./commands/rollout.ts")).registerRollback,
  expose: async () => (await import("./commands/expose.ts")).registerExpose,
  finalize: async () => (await import("./commands/finalize.ts")).registerFinalize,
  release: async () => (await import("./commands/release.ts")).registerRelease,
  uninstall: async () => (await import("./commands/uninstall.ts")).registerUninstall,
  dashboard: async () => (await import("./commands/dashboard.ts")).registerDashboard,
  audit: async () => (await import("./commands/audit.ts")).registerAudit,
  token: async () => (await import("./commands/token.ts")).registerToken,
  model: async () => (await import("./commands/model.ts")).registerModel,
  profile: async () => (await import("./commands/profile.ts")).registerProfile,
  demo: async () => (await import("./commands/demo.ts")).registerDemo,
};

/**
 * The program with the command of this name; for any other name, such as that of the help, with all commands.
 * @throws CommanderError where Commander would end the process.
 */
export async function createProgram(name = ""): Promise<Command> {
  const program = new Command("reembed")
    .description("Moves a live retrieval corpus in PostgreSQL + pgvector from one embedding model to another.")
    .version(version, "--version", "print the version of Reembed")
    .exitOverride()
    .showHelpAfterError("  --help lists the options.")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a safety check.",
    );
  const meant = Object.hasOwn(commands, name) ? [commands[name]] : Object.values(commands);
  for (const load of meant) (await load?.())?.(program);
  showExamples(program, []);
  return program;
}

function showExamples(command: Command, path: readonly string[]): void {
  const lines = examples[path.join(" ")];
  if (lines !== undefined)
    command.addHelpText("after", ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n"));
  for (const subcommand of command.commands) showExamples(subcommand, [...path, subcommand.name()]);
}
