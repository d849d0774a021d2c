/** Exit codes of every command: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a guard. */
export type ExitCode = 1 | 2 | 3;

/**
 * An error that its reader can act on: the message says what and which, the remedy what to do.
 * Anything else that is thrown is a defect and keeps its stack trace.
 */
export class ReembedError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, options: { remedy?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "ReembedError";
    this.code = code;
    this.exitCode = options.exitCode ?? 1;
    this.remedy = options.remedy;
  }
}

/**
 * The message of anything thrown, on one line. Node's connection errors carry theirs only in `errors`. Drizzle's quote
 * every parameter of the query, texts and vectors among them, which belong into no log: their cause tells the reason.
 */
export function messageOf(error: unknown): string {
  if (error instanceof Error && error.message.startsWith("Failed query:") && error.cause !== undefined) {
    return messageOf(error.cause);
  }
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(messageOf).join("; ");
  }
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");
}
