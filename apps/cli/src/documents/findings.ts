import { type Html, html } from "@reembed/http/html";
import type { Finding, Verdict } from "@reembed/migration/doctor";
import { foreign, list, section } from "./parts.ts";

const words: Record<Verdict, Html> = {
  problem: html`<strong class="bad">Must be fixed</strong>`,
  warning: html`<strong class="warn">Warning</strong>`,
  ok: html`<span class="good">In order</span>`,
};

/** What `reembed doctor` found: first what must be fixed. */
export function renderFindings(findings: readonly Finding[]): Html {
  const of = (verdict: Verdict) =>
    findings
      .filter((finding) => finding.verdict === verdict)
      .map(
        ({ check, says, remedy }) =>
          html`${words[verdict]}: ${foreign(check)}: ${foreign(says)}.${remedy !== null && html` <br>${foreign(remedy)}`}`,
      );
  const risks = [...of("problem"), ...of("warning")];
  return section("risks", "Risks", [
    risks.length === 0 ? html`<p>None was found.</p>` : list(risks),
    html`<h3>Checked and in order</h3>`,
    list(of("ok")),
  ]);
}
