/**
 * PostgreSQL's codes (Appendix A of its manual) for what passes: connections lost, a server that is still a standby
 * after a failover, no memory, disk or connection left, a shutdown, a start, failing storage; and a serialization
 * failure or a deadlock, for which the manual asks to repeat the whole transaction.
 */
const postgresStates = /^(08...|25006|40001|40P01|53...|57P0[1235]|58...)$/;
const socketCodes = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** Of an embedder: its card is gone or its context broken, which no text is to blame for. */
const deviceCodes = /^device_(failed|unavailable)$/;
/** What node-postgres, ioredis and Redis say without a code. */
const messages = [
  /^Connection (terminated|is closed)/,
  /^(timeout expired|timeout exceeded when trying to connect|Query read timeout)$/,
  /^Client has encountered a connection error/,
  /^(Socket timeout|Command timed out|no answer for)/,
  /\bOOM command not allowed\b/,
  /\b(LOADING|READONLY|MASTERDOWN|MISCONF|CLUSTERDOWN)\b/,
];

const refusedForGood = /\bunsupported startup parameter\b/;

/**
 * Whether anything thrown tells of a server's state and not of what was asked of it: it is away, full, or busy with
 * others. The same request will succeed some time.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A pooler's, which calls everything a violation of the protocol, 08P01: also that no server is there, which passes.
  if (refusedForGood.test(error.message)) return false;
  const code = "code" in error ? String(error.code) : "";
  if (postgresStates.test(code) || socketCodes.test(code) || deviceCodes.test(code)) return true;
  if (messages.some((message) => message.test(error.message))) return true;
  if (error instanceof AggregateError && error.errors.some(isTransient)) return true;
  return isTransient(error.cause);
}

/** PostgreSQL's codes for a text that it cannot hold: U+0000, bytes or escapes that are no character. */
const untakenText = /^(22021|22P05)$/;

/** Whether a database refused a text as one that it cannot hold: the fault of whoever sent it. */
export function isUntakenText(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && untakenText.test(String(error.code))) || isUntakenText(error.cause);
}
