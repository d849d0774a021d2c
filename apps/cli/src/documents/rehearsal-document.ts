import { formatAmount, formatBytes, formatCount, formatDuration, formatShare } from "@reembed/core";
import { html } from "@reembed/http/html";
import type { Rehearsal } from "../rehearsal/rehearsal-result.ts";
import type { Document } from "./document.ts";
import { facts, foreign, moment, section, table } from "./parts.ts";
import { renderDone } from "./report-document.ts";

/** How the migration of a sample went, what that says of the whole, and the sample's own report. */
export function rehearsalDocument(rehearsal: Rehearsal): Document {
  const { share, rows, steps, whole, report } = rehearsal;
  return {
    title: `Rehearsal with ${rehearsal.table}`,
    about: html`<p>The whole migration was played with ${formatCount(rows)} rows, ${formatShare(share)} of all, in schemas of its own in ${foreign(report.database.name)}, which were removed at its end. Everything below “Steps” is about this sample alone.</p>
`,
    sections: [
      section("whole", "Estimate for the whole", [
        html`<p>The sample's figures divided by its share.</p>`,
        facts([
          { term: "Chunks", value: formatCount(whole.chunks) },
          { term: "Tokens", value: formatCount(whole.tokens) },
          { term: "Time to embed", value: formatDuration(whole.seconds), note: "with one worker like the rehearsal's" },
          { term: "Vectors with their index", value: formatBytes(whole.vectorBytes) },
          rehearsal.spent !== null && { term: "Paid for the rehearsal", value: formatAmount(rehearsal.spent) },
          whole.cost !== null && { term: "Money for the embedding server", value: formatAmount(whole.cost) },
        ]),
      ]),
      section("steps", "Steps", [
        table({
          caption: "In their order",
          head: ["Step", "#Seconds", "What came of it", "Of concern"],
          rows: steps.map(({ name, seconds, says, concern }) => [
            name,
            seconds.toFixed(1),
            foreign(says),
            concern === null ? "" : html`<span class="warn">${foreign(concern)}</span>`,
          ]),
        }),
      ]),
      ...renderDone(report),
    ],
    footer: html`<p>Made by <code>reembed rehearse</code>, version ${report.version}, at ${moment(report.at)}.</p>
`,
  };
}
