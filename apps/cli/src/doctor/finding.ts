import { messageOf, ReembedError } from "@reembed/core";

/** `mend`: nothing of a migration can go right before it is mended. */
export type Verdict = "ok" | "warning" | "mend";

/** What a check found, in a line. */
export interface Finding {
  check: string;
  verdict: Verdict;
  says: string;
  /** What to do about it; null where there is nothing to do. */
  remedy: string | null;
}

export function ok(check: string, says: string): Finding {
  return { check, verdict: "ok", says, remedy: null };
}

export function warning(check: string, says: string, remedy: string): Finding {
  return { check, verdict: "warning", says, remedy };
}

export function mend(check: string, says: string, remedy: string): Finding {
  return { check, verdict: "mend", says, remedy };
}

/** What is wrong by another part's own judgement. */
export function fromError(check: string, error: ReembedError, verdict: Verdict = "mend"): Finding {
  return { check, verdict, says: withoutStop(error.message), remedy: error.remedy ?? null };
}

/** A check that could not be made is no reason to leave the others out. */
export function unchecked(check: string, error: unknown): Finding {
  const remedy = error instanceof ReembedError ? (error.remedy ?? null) : null;
  return { check, verdict: "warning", says: `could not be checked: ${withoutStop(messageOf(error))}`, remedy };
}

/** What a line says is no sentence. */
export function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}
