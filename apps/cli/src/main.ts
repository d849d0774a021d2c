import { existsSync } from "node:fs";
import { ReembedError } from "@reembed/core";
import { Command, CommanderError } from "commander";
import { registerDashboard } from "./commands/dashboard.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerInit } from "./commands/init.ts";
import { registerLoad } from "./commands/load.ts";
import { registerModel } from "./commands/model.ts";
import { registerProducer } from "./commands/producer.ts";
import { registerStatus } from "./commands/status.ts";
import { registerWorker } from "./commands/worker.ts";

const program = new Command("reembed")
  .description("Moves a live retrieval corpus in PostgreSQL + pgvector from one embedding model to another.")
  .exitOverride()
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

if (existsSync(".env")) process.loadEnvFile();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}

function reportError(error: unknown): number {
  // Commander has printed its message already; asking for help is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ReembedError) {
    process.stderr.write(`error: ${error.message}\n`);
    if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
    return error.exitCode;
  }
  process.stderr.write(`This is a defect of Reembed:\n${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
