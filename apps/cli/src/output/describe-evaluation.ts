import { formatCount, formatTable } from "@reembed/core";
import type { EvaluationReport } from "@reembed/migration/evaluate";
import {
  type CutoffMeasures,
  formatDifference,
  formatInterval,
  type Interval,
  type ModelChunkingEffects,
} from "@reembed/retrieval/measures";
import { formatThresholds } from "./describe-thresholds.ts";

/** The report as text for a person. */
export function formatEvaluation(report: EvaluationReport): string {
  return [
    headline(report),
    formatQueries(report),
    formatQuality(report),
    formatCauses(report),
    formatSlices(report),
    formatProxies(report),
    formatAgreement(report),
    formatThresholds(report),
    report.notes.map((note) => `- ${note}`).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

const verdicts: Record<EvaluationReport["verdict"], string> = {
  better: "finds answers better than",
  worse: "finds answers worse than",
  undecided: "is neither better nor worse beyond doubt than",
  unjudged: "was compared, without judgements, with",
};

/** `mini-m3 finds answers better than mini-rubert: nDCG@10 +0.081 [0.040, 0.124]`. */
export function headline({ baseline, candidate, verdict, quality }: EvaluationReport): string {
  const figure = quality === null ? "" : `: nDCG@${quality.k} ${formatDifference(quality.difference.ndcg)}`;
  return `${candidate.profile} ${verdicts[verdict]} ${baseline.profile}${figure}`;
}

export function formatQueries({ baseline, candidate, queries, search }: EvaluationReport): string {
  const kinds: Record<typeof queries.source, string> = {
    judged: `${queries.answerable} answerable and ${queries.unanswerable} unanswerable queries`,
    given: `${queries.count} queries`,
    logged: `${queries.count} logged queries`,
    none: "no queries",
  };
  return [
    `${kinds[queries.source]}, ${search === "exact" ? "exact search" : "search through the indexes"}; means with 95 % intervals`,
    ...[baseline, candidate].map(
      ({ profile, model, chunking, chunks, limit }) =>
        `${profile}: ${model}, ${formatCount(chunks)} chunks of ${chunking}, ${limit} results`,
    ),
  ].join("\n");
}

/** The names of the measures at a cut-off. */
export function measureTitles(k: number): Record<keyof CutoffMeasures, string> {
  return {
    ndcg: `nDCG@${k}`,
    recall: `recall@${k}`,
    mrr: `MRR@${k}`,
    precision: `precision@${k}`,
    recall15k: "recall in 15,000 characters",
  };
}

function formatQuality({ baseline, candidate, quality }: EvaluationReport): string {
  if (quality === null) return "";
  const titles = measureTitles(quality.k);
  const names = Object.keys(titles) as (keyof CutoffMeasures)[];
  return comparisonTable(
    [baseline.profile, candidate.profile],
    names.map((name) => [titles[name], quality.baseline[name], quality.candidate[name], quality.difference[name]]),
  );
}

function formatCauses({ causes, quality, baseline, candidate }: EvaluationReport): string {
  if (causes === null || quality === null) return "";
  if (causes.kind === "missing") {
    const builds = causes.missing.flatMap(({ profile, chunks, commands }) => [
      `  ${profile}, ${formatCount(chunks)} chunks`,
      ...commands.map((command) => `    ${command}`),
    ]);
    return [
      "The effects of model and chunking are not separated. Give --grid, which embeds up to 20,000 chunks in this process, or run, besides a producer,",
      ...builds,
    ].join("\n");
  }
  if (causes.kind !== "measured")
    return `The whole difference comes from the ${causes.kind}, because nothing else differs.`;
  const { cells, effects } = causes;
  const parts: Record<keyof ModelChunkingEffects, string> = {
    model: "from the model",
    chunking: "from the chunking",
    interaction: "interaction of the two",
  };
  const names = Object.keys(parts) as (keyof ModelChunkingEffects)[];
  return [
    formatTable([
      [`nDCG@${quality.k}`, `chunks of ${baseline.chunking}`, `chunks of ${candidate.chunking}`],
      [baseline.model, formatInterval(cells.baseline.ndcg), formatInterval(cells.baselineModel.ndcg)],
      [candidate.model, formatInterval(cells.candidateModel.ndcg), formatInterval(cells.candidate.ndcg)],
    ]),
    "",
    formatTable([
      ["of the difference", formatDifference(quality.difference.ndcg)],
      ...names.map((name) => [parts[name], formatDifference(effects[name])]),
    ]),
  ].join("\n");
}

function formatSlices({ baseline, candidate, quality }: EvaluationReport): string {
  if (quality === null || quality.slices.length < 2) return "";
  return formatTable([
    [`nDCG@${quality.k} by language`, "queries", baseline.profile, candidate.profile, "difference"],
    ...quality.slices.map(({ language, queries, ...of }) => [
      language ?? "no language",
      `${queries}`,
      of.baseline.mean.toFixed(3),
      of.candidate.mean.toFixed(3),
      formatDifference(of.difference),
    ]),
  ]);
}

export const proxyTitles = { hit10: "chunk among the first 10", mrr10: "MRR@10" } as const;

function formatProxies({ baseline, candidate, proxies }: EvaluationReport): string {
  if (proxies === null) return "";
  const names = Object.keys(proxyTitles) as (keyof typeof proxyTitles)[];
  return [
    `${proxies.queries} proxy queries`,
    comparisonTable(
      [baseline.profile, candidate.profile],
      names.map((name) => [
        proxyTitles[name],
        proxies.baseline[name],
        proxies.candidate[name],
        proxies.difference[name],
      ]),
    ),
  ].join("\n");
}

function comparisonTable(profiles: [string, string], rows: readonly [string, Interval, Interval, Interval][]): string {
  return formatTable([
    ["", ...profiles, "difference"],
    ...rows.map(([title, before, after, difference]) => [
      title,
      formatInterval(before),
      formatInterval(after),
      formatDifference(difference),
    ]),
  ]);
}

function formatAgreement({ agreement }: EvaluationReport): string {
  if (agreement === null) return "";
  const rows = [["documents in common among the first 10", formatInterval(agreement.overlap10)]];
  if (agreement.rankCorrelation !== null) {
    rows.push(["their rank correlation", formatInterval(agreement.rankCorrelation)]);
  }
  return formatTable(rows);
}
