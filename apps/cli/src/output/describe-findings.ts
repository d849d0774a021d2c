import { formatTable } from "@reembed/core";
import type { Finding, Verdict } from "@reembed/migration/doctor";

const words: Record<Verdict, string> = { ok: "ok", warning: "warning", problem: "must be fixed" };

/** A table with each remedy below the line that it belongs to. */
export function describeFindings(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ check, verdict, says, remedy }) => [
    [check, words[verdict], says],
    ...(remedy === null ? [] : [["", "", `-> ${remedy}`]]),
  ]);
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  const warned = warnings === 0 ? "no warnings" : `${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  const first =
    problems === 0
      ? "Nothing must be fixed first"
      : `${problems} ${problems === 1 ? "problem" : "problems"} must be fixed first`;
  return `${formatTable(rows, 3)}\n\n${first}; ${warned}.`;
}
