import { type ExitCode, messageOf, ReembedError } from "@reembed/core";

/** Messages of the child to its parent. The parent sends only `close`. */
export type DatabaseMessage =
  | { kind: "ready"; connectionString: string }
  /** The child cannot open the database, or cannot continue, and ends. */
  | { kind: "failed"; failure: Failure };

export interface Failure {
  code: string;
  message: string;
  exitCode: ExitCode;
  remedy?: string;
  /** The stack trace of the cause. */
  detail?: string;
}

/** Converts a ReembedError to a form that can be sent between processes. */
export function toFailure({ code, message, exitCode, remedy, cause }: ReembedError): Failure {
  return {
    code,
    message,
    exitCode,
    ...(remedy === undefined ? {} : { remedy }),
    ...(cause === undefined ? {} : { detail: (cause instanceof Error && cause.stack) || messageOf(cause) }),
  };
}

export function fromFailure({ code, message, detail, ...options }: Failure): ReembedError {
  return new ReembedError(code, message, { ...options, cause: detail });
}
