import { messageOf, ReembedError } from "@reembed/core";

/** `problem`: must be fixed before a migration can succeed. */
export type Verdict = "ok" | "warning" | "problem";

/** The result of a check, in one line. */
export interface Finding {
  check: string;
  verdict: Verdict;
  says: string;
  /** What to do about it; null if nothing. */
  remedy: string | null;
}

export function ok(check: string, says: string): Finding {
  return { check, verdict: "ok", says, remedy: null };
}

export function warning(check: string, says: string, remedy: string): Finding {
  return { check, verdict: "warning", says, remedy };
}

export function problem(check: string, says: string, remedy: string): Finding {
  return { check, verdict: "problem", says, remedy };
}

/** A finding from the error of another part. */
export function fromError(check: string, error: ReembedError, verdict: Verdict = "problem"): Finding {
  return { check, verdict, says: withoutStop(error.message), remedy: error.remedy ?? null };
}

/** The finding for a check that failed itself; the other checks continue. */
export function unchecked(check: string, error: unknown): Finding {
  const remedy = error instanceof ReembedError ? (error.remedy ?? null) : null;
  return { check, verdict: "warning", says: `could not be checked: ${withoutStop(messageOf(error))}`, remedy };
}

/** The text of a finding ends without a full stop. */
export function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}
