import { isTransient, messageOf, ReembedError } from "@reembed/core";
import { explainAdopted } from "@reembed/store/adoption";
import { CommanderError } from "commander";

/** Codes of PostgreSQL and Node for a server or a connection that ends, and messages of their clients without a code. */
const connectionLost = /^(08...|57P0.|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const connectionEnded = /^Connection (terminated|is closed)/;
/** Errors that an administrator can fix: read-only, no rights, no space, limits, locks, cancellation, failing storage. */
const serverRefused = /^(25006|42501|53...|54...|55...|57014|58...)$/;
const noRight = "42501";

/** Writes to stderr what ended a command, and returns the exit code for it. */
export function reportError(error: unknown): number {
  // Commander has printed its message already, and a request for help is not an error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const cause = explainAdopted(error) ?? rootCause(error);
  const explained = cause instanceof ReembedError ? cause : explain(cause);
  if (explained === undefined) {
    const trace = cause instanceof Error ? cause.stack : String(cause);
    process.stderr.write(`This is a defect of Reembed:\n${trace}\n`);
    return 1;
  }
  process.stderr.write(`error: ${explained.message}\n`);
  if (explained.remedy !== undefined) process.stderr.write(`  ${explained.remedy}\n`);
  return explained.exitCode;
}

/** The message of a failed query quotes all its parameters, with whole documents; that of its cause does not. */
function rootCause(error: unknown): unknown {
  if (error instanceof ReembedError) return error;
  if (error instanceof SuppressedError) return rootCause(error.suppressed);
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

function explain(error: unknown): ReembedError | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = messageOf(error);
  if (connectionLost.test(code) || connectionEnded.test(reason)) return connectionLostBy(reason);
  if (!serverRefused.test(code)) return isTransient(error) ? connectionLostBy(reason) : undefined;
  const remedy = code === noRight ? { remedy: "Give the role in DATABASE_URL this right, or use another one." } : {};
  return new ReembedError("server_refused", `PostgreSQL refused: ${reason}`, remedy);
}

function connectionLostBy(reason: string): ReembedError {
  return new ReembedError("connection_lost", `The connection to a server was lost: ${reason}`, {
    remedy: "Run the command again; what was stored is kept.",
  });
}
