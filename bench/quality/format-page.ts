import { formatDifference, formatPercent, type Interval } from "@reembed/retrieval/measures";
import { formatFigure } from "./format.ts";
import { expectationRows, measureRows, sliceRows, thresholdRows } from "./format-report.ts";
import type { ProfileQuality, QualityReport } from "./report.ts";

/** The report as `docs/quality.md`. */
export function formatPage(report: QualityReport): string {
  const { baseline, candidate, bm25, queries, difference, differenceToBm25 } = report;
  return `# How much better the candidate finds answers

${headline(report)}

\`npm run quality -- --write\` writes this page. The corpus is the sample handbook, ${report.documents} documents in five languages. Of the queries, ${queries.answerable} have answers in it, each judged by its place in a document, and ${queries.unanswerable} have none. \`--baseline\` and \`--candidate\` compare other profiles, if their models' files are there.

| | model | chunks | limit, threshold | tokens of the corpus | beyond the model's limit |
|---|---|---|---|---|---|
${systemRow("baseline", baseline)}
${systemRow("candidate", candidate)}
| BM25 | none: it compares words | those of ${bm25.chunking} | | | |

## The measures

${pictureOf("measures", "Bars of the five measures for BM25, baseline and candidate, with intervals")}

${markdownTable(measureRows(report))}

Each figure is the mean over the queries that have an answer, with its 95 % interval. *Difference* is the candidate minus the baseline, query by query. For nDCG@10, ${say(difference.ndcg10)} The candidate minus BM25 is ${formatDifference(differenceToBm25.ndcg10)}: ${say(differenceToBm25.ndcg10)}

## Which queries

${pictureOf("slices", "Bars of nDCG@10 by language, by depth of the answer and by shared words")}

${markdownTable(sliceRows(report))}

If a query has several answers, the easiest one decides where the query is counted: one in the query's own language if there is one, and the one nearest to the beginning of its document. \`ru → en\` are queries in Russian whose answer is in English. Words are compared by their stems, without articles, pronouns and other function words; a query and an answer in different languages have no word in common. The last two columns are the candidate minus each of the others, query by query. The picture leaves out rows with fewer than eight queries.

## The thresholds

${pictureOf("thresholds", "For both profiles, the share of queries rightly and wrongly answered at every threshold")}

${markdownTable(thresholdRows(report))}

*Rightly answered* is the share of the queries with an answer for which a right one is among the results that limit and threshold allow. *Wrongly answered* is the share of the queries without an answer that get any result. A threshold belongs to its model: the similarities of two models cannot be compared.

## What the migration plan expected

${markdownTable(expectationRows(report))}

The plan's figures are for the two real models. The stand-ins \`mini-rubert\` and \`mini-m3\` are much smaller, and much closer to each other in size.

- Precision and recall: the change of the mean, with its 95 % interval.
- Embedding time: all chunks of the corpus; both models by turns, the median of ${baseline.embedding.rounds} runs.
- Memory: the maximum of the inference process.
- Exact search: every vector is compared, with the profile's limit and threshold. Embedding the query is not included; it takes ${formatFigure(baseline.queryEmbeddingMs.p50, "ms")} with the baseline's model and ${formatFigure(candidate.queryEmbeddingMs.p50, "ms")} with the candidate's.

Measured on ${report.machine}.

${method(report)}`;
}

function method({ queries }: QualityReport): string {
  return `## How it is measured

A judgement is a part of a document, \`[start, end)\` in code points, with a grade: 2 if it answers the query, 1 if it helps. It is about the text and not about a chunk, so chunks of any size are measured alike:

- A judged part counts for the first result that contains at least half of it, and for no other. An overlapping chunk that repeats it gains nothing.
- A result that contains several judged parts counts as that many results, the one with the highest grade first, as if smaller chunks had come one after the other. So the ideal ranking is the same for every chunking, and no chunking can exceed it.

The measures of the resulting list:

- **nDCG@10** has the grade as gain and a discount of log2(rank + 1) (Järvelin and Kekäläinen, 2002, in trec_eval's variant).
- **recall@10** and **precision@5** count judged parts of either grade. A query has ${(queries.judgements / queries.answerable).toFixed(1)} judged parts on average, so an ideal ranking has a precision@5 of ${queries.idealPrecision5.toFixed(2)}.
- **MRR@10** is the mean of 1 / rank of the first judged part.
- **Recall in 15,000 characters** cuts each ranking off after that much text, because ten results of 6,000 characters are four times as much to read as ten of 1,500.

Intervals are percentile bootstraps with 10,000 resamples of the queries and a fixed seed (Efron and Tibshirani, 1993), paired for differences (Sakai, 2006). They show how much other queries of this kind could change the figures. They do not show what another corpus would give.

**BM25** is MiniSearch's BM25+ over Snowball stems. It searches the chunks of whichever profile it finds more in. All searches are exact, and those for the measures have no threshold, so neither an index nor a setting affects the figures.
`;
}

function headline({ baseline, candidate, difference }: QualityReport): string {
  const { low, high } = difference.ndcg10;
  const scores = `nDCG@10 is ${candidate.ndcg10.mean.toFixed(2)} with \`${candidate.profile}\` and ${baseline.ndcg10.mean.toFixed(2)} with \`${baseline.profile}\``;
  if (low > 0) return `**The candidate finds answers better: ${scores}.**`;
  if (high < 0) return `**The candidate finds answers worse: ${scores}.**`;
  return `**No difference is shown with these queries: ${scores}.**`;
}

function say({ low, high }: Interval): string {
  if (low > 0) return "the interval is above 0, so the candidate is better beyond doubt.";
  if (high < 0) return "the interval is below 0, so the candidate is worse beyond doubt.";
  return "the interval contains 0, so these queries show no difference.";
}

function systemRow(
  role: string,
  { profile, model, chunks, chunking, limit, threshold, embedding }: ProfileQuality,
): string {
  const beyond = formatPercent(embedding.truncatedTokens / embedding.tokens);
  const tokens = embedding.tokens.toLocaleString("en");
  const name = profile === model ? `\`${profile}\`` : `\`${profile}\` (${model})`;
  return `| ${role} | ${name} | ${chunks} of ${chunking} | ${limit}, ${threshold} | ${tokens} | ${beyond} |`;
}

function pictureOf(name: string, description: string): string {
  return `<picture><source media="(prefers-color-scheme: dark)" srcset="quality/${name}-dark.svg"><img src="quality/${name}-light.svg" alt="${description}"></picture>`;
}

function markdownTable([head, ...rows]: readonly string[][]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(head ?? []), `|${"---|".repeat(head?.length ?? 0)}`, ...rows.map(row)].join("\n");
}
