import { loadEnvFile } from "./env-file.ts";
import { createProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

// If a reader such as `head` closes the pipe early, that is not an error of the command.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  loadEnvFile();
  await (await createProgram(process.argv[2])).parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
await leave();

/** Ends the process after its output was written: an open connection to a server that hangs would keep it alive. */
async function leave(): Promise<never> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(streams.map((stream) => new Promise((done) => stream.write("", done))));
  process.exit();
}
