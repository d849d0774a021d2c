import { type ExitCode, messageOf, ReembedError } from "@reembed/core";

/** What the child tells its parent. The parent says one thing only, `close`, or nothing more because it is gone. */
export type DatabaseMessage =
  | { kind: "ready"; connectionString: string }
  /** The child cannot open the database, or cannot go on with it; it ends. */
  | { kind: "failed"; failure: Failure };

export interface Failure {
  code: string;
  message: string;
  exitCode: ExitCode;
  remedy?: string;
  /** Stack of the cause. */
  detail?: string;
}

/** A ReembedError in a form that survives the way between processes. */
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
