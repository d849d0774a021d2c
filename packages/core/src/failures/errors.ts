/** Exit codes of every command: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a safety check. */
export type ExitCode = 1 | 2 | 3;

/**
 * An error that its reader can act on: the message says what happened to which thing, the remedy says what to do.
 * Any other error is a defect and keeps its stack trace.
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

/** The message of anything that was thrown and, if there is one, what its reader can do. */
export function adviceOf(error: unknown): string {
  const remedy = error instanceof ReembedError ? error.remedy : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)} ${remedy}`;
}

/**
 * The message of anything that was thrown, on one line. Node's connection errors have their messages only in `errors`.
 * Drizzle's messages quote every parameter of the query, with texts and vectors, which must not reach a log: the message
 * of their cause is taken instead.
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
