import { messageOf, ReembedError } from "@reembed/core";
import { Command } from "commander";
import { registerDashboard } from "./commands/dashboard.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerInit } from "./commands/init.ts";
import { registerLoad } from "./commands/load.ts";
import { registerModel } from "./commands/model.ts";
import { registerProducer } from "./commands/producer.ts";
import { registerStatus } from "./commands/status.ts";
import { registerWorker } from "./commands/worker.ts";
import { reportError } from "./report-error.ts";

const program = new Command("reembed")
  .description("Moves a live retrieval corpus in PostgreSQL + pgvector from one embedding model to another.")
  .exitOverride()
  .showHelpAfterError("  --help tells what there is.")
  .addHelpText("after", "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a guard.");

const register = [
  registerInit,
  registerLoad,
  registerProducer,
  registerWorker,
  registerDashboard,
  registerStatus,
  registerModel,
  registerDemo,
];
for (const command of register) command(program);

// A reader that has seen enough, as `head` has, is no failure of the command.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  loadEnvFile();
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}

function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return;
    throw new ReembedError("env_file_unreadable", `The file .env cannot be read: ${messageOf(cause)}`, {
      exitCode: 2,
      cause,
    });
  }
}
