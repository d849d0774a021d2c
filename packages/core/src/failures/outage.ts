/**
 * PostgreSQL's codes (Appendix A of its manual) for temporary failures: lost connections, a server that is still a
 * standby after a failover, no memory, disk or connection left, shutdown, startup, failing storage; also serialization
 * failures and deadlocks, after which the manual says to repeat the whole transaction.
 */
const postgresStates = /^(08...|25006|40001|40P01|53...|57P0[1235]|58...)$/;
const socketCodes = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** An embedder's codes: its GPU has failed, its context is broken or its budget is spent, which no text has caused. */
const embedderCodes = /^(device_(failed|unavailable)|budget_spent)$/;
/** Messages of node-postgres, ioredis and Redis that come without a code. */
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
 * Whether an error is about a server's state and not about the request: the server is away, full, or busy with others.
 * The same request will succeed later.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Poolers report every failure as 08P01, protocol violation: these for good, and also that no server is there for now.
  if (refusedForGood.test(error.message)) return false;
  const code = "code" in error ? String(error.code) : "";
  if (postgresStates.test(code) || socketCodes.test(code) || embedderCodes.test(code)) return true;
  if (messages.some((message) => message.test(error.message))) return true;
  if (error instanceof AggregateError && error.errors.some(isTransient)) return true;
  return isTransient(error.cause);
}

/** PostgreSQL's codes for a text that it cannot store: U+0000, or bytes or escapes that are not characters. */
const untakenText = /^(22021|22P05)$/;

/** Whether a database refused a text because it cannot store it: the fault of whoever sent the text. */
export function isUntakenText(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && untakenText.test(String(error.code))) || isUntakenText(error.cause);
}
