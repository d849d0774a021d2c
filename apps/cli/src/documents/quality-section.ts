import { formatCount } from "@reembed/core";
import { type Html, html } from "@reembed/http/html";
import type { EvaluationReport } from "@reembed/migration/evaluate";
import type { MigrationReport } from "@reembed/migration/report";
import { type CutoffMeasures, formatDifference, formatInterval } from "@reembed/retrieval/measures";
import { formatQueries, headline, measureTitles, proxyTitles } from "../output/describe-evaluation.ts";
import { foreign, list, moment, section, table } from "./parts.ts";

type Example = EvaluationReport["examples"]["better"][number];

/** What the last evaluation found, with the queries that show it. */
export function renderQuality(evaluation: MigrationReport["evaluation"]): Html {
  if (evaluation === null) {
    return section("quality", "Quality", [
      html`<p class="warn">Never evaluated: <code>npx reembed evaluate</code></p>`,
    ]);
  }
  const { at, report } = evaluation;
  const { better, worse, changed } = report.examples;
  return section("quality", "Quality", [
    html`<p><strong>${headline(report)}</strong>. Evaluated at ${moment(at)} by version ${report.version}.</p>`,
    html`<p>${formatQueries(report)
      .split("\n")
      .map((line) => html`${line}.<br>`)}</p>`,
    renderMeasures(report),
    renderLanguages(report),
    renderProxies(report),
    report.agreement !== null &&
      html`<p>The two answers have ${formatInterval(report.agreement.overlap10)} of their first ten documents in common, over ${formatCount(report.agreement.queries)} queries.</p>`,
    renderExamples("Answers that got better", better, report),
    renderExamples("Answers that got worse", worse, report),
    renderExamples("Answers that changed most", changed, report),
    list(report.notes.map(foreign)),
  ]);
}

function renderMeasures({ quality, baseline, candidate }: EvaluationReport): Html | false {
  if (quality === null) return false;
  const titles = measureTitles(quality.k);
  return table({
    caption: "Means with 95 % intervals",
    head: ["Measure", `#${baseline.profile}`, `#${candidate.profile}`, "#Difference"],
    rows: (Object.keys(titles) as (keyof CutoffMeasures)[]).map((name) => [
      titles[name],
      formatInterval(quality.baseline[name]),
      formatInterval(quality.candidate[name]),
      formatDifference(quality.difference[name]),
    ]),
  });
}

/** Sentences of chunks as queries, where there are no judgements. */
function renderProxies({ proxies, baseline, candidate }: EvaluationReport): Html | false {
  if (proxies === null) return false;
  return table({
    caption: `${formatCount(proxies.queries)} sentences that were to find the rest of their chunk`,
    head: ["Measure", `#${baseline.profile}`, `#${candidate.profile}`, "#Difference"],
    rows: (Object.keys(proxyTitles) as (keyof typeof proxyTitles)[]).map((name) => [
      proxyTitles[name],
      formatInterval(proxies.baseline[name]),
      formatInterval(proxies.candidate[name]),
      formatDifference(proxies.difference[name]),
    ]),
  });
}

function renderLanguages({ quality, baseline, candidate }: EvaluationReport): Html | false {
  if (quality === null || quality.slices.length < 2) return false;
  return table({
    caption: `nDCG@${quality.k} by language of the query`,
    head: ["Language", "#Queries", `#${baseline.profile}`, `#${candidate.profile}`, "#Difference"],
    rows: quality.slices.map((slice) => [
      slice.language ?? "unknown",
      formatCount(slice.queries),
      formatInterval(slice.baseline),
      formatInterval(slice.candidate),
      formatDifference(slice.difference),
    ]),
  });
}

function renderExamples(
  title: string,
  examples: readonly Example[],
  { baseline, candidate }: EvaluationReport,
): Html | false {
  if (examples.length === 0) return false;
  const answer = (name: string, documents: Example["baseline"]) =>
    html`<li>${name}: ${documents.length === 0 ? "nothing" : documents.map(({ title: name, uri }, index) => html`${index > 0 && ", "}${foreign(name || uri)}`)}</li>`;
  return html`<h3>${title}</h3>
<ul>${examples.map(
    ({ query, ndcg, ...answers }) =>
      html`<li><q>${foreign(query)}</q>${ndcg !== null && ` nDCG ${ndcg.baseline.toFixed(2)} to ${ndcg.candidate.toFixed(2)}`}
<ul>${answer(baseline.profile, answers.baseline)}${answer(candidate.profile, answers.candidate)}</ul></li>\n`,
  )}</ul>`;
}
