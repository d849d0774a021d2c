import { formatDifference, formatPercent, type Interval } from "@reembed/retrieval/measures";
import { formatFigure } from "./format.ts";
import { expectationRows, measureRows, sliceRows, thresholdRows } from "./format-report.ts";
import type { ProfileQuality, QualityReport } from "./report.ts";

/** The report as `docs/quality.md`. */
export function formatPage(report: QualityReport): string {
  const { baseline, candidate, bm25, queries, difference, differenceToBm25 } = report;
  return `# How much better the candidate finds answers

${headline(report)}

Written by \`npm run quality -- --write\`: ${report.documents} documents of the sample handbook, ${queries.answerable} queries that it answers and ${queries.unanswerable} that it does not, in five languages, each judged by where in which document its answer is. \`--baseline\` and \`--candidate\` compare other profiles whose model files are there.

| | model | chunks | limit, threshold | tokens of the corpus | beyond the model's limit |
|---|---|---|---|---|---|
${systemRow("baseline", baseline)}
${systemRow("candidate", candidate)}
| BM25 | words only | as of ${bm25.chunking} | | | |

## The measures

${pictureOf("measures", "Bars of the five measures for BM25, baseline and candidate, with intervals")}

${markdownTable(measureRows(report))}

Means over the answerable queries with 95 % intervals. *Difference* is candidate less baseline, query by query; of nDCG@10 ${say(difference.ndcg10)} The candidate less BM25 is ${formatDifference(differenceToBm25.ndcg10)}: ${say(differenceToBm25.ndcg10)}

## Which queries

${pictureOf("slices", "Bars of nDCG@10 by language, by depth of the answer and by shared words")}

${markdownTable(sliceRows(report))}

A query with several answers counts where the easiest is: in its own language if one is, and nearest to a document's beginning. Words are compared by their stems, without articles, pronouns and the like, and between two languages none counts as shared. The last two columns are the candidate less each of the others, query by query. The picture leaves out what fewer than eight queries ask.

## The thresholds

${pictureOf("thresholds", "For both profiles, the share of queries rightly and wrongly answered at every threshold")}

${markdownTable(thresholdRows(report))}

*Rightly answered*: of the answerable queries, those for which a right answer is among the results within limit and threshold. *Wrongly answered*: of the unanswerable ones, those that get results at all. A threshold belongs to its model: similarities of two models do not compare.

## What the migration plan expected

${markdownTable(expectationRows(report))}

Changes of precision and recall are of the means, with 95 % intervals. Embedding time is that of all chunks of the corpus, by turns and the median of ${baseline.embedding.rounds}; memory is the most that the inference process held; search reads every vector, with the profile's limit and threshold, and embedding the query by itself comes to it: ${formatFigure(baseline.queryEmbeddingMs.p50, "ms")} with the baseline's model, ${formatFigure(candidate.queryEmbeddingMs.p50, "ms")} with the candidate's. The plan's figures are about the two real models; the stand-ins \`mini-rubert\` and \`mini-m3\` are much smaller and much nearer to each other.

Measured on ${report.machine}.

## How it is measured

A judgement is a part of a document, \`[start, end)\` in code points, with a grade: 2 answers the query, 1 helps. Chunks of two sizes are judged alike, because the judgement is of the text and not of the chunk:

- A judged part counts for the first result that holds at least half of it, and only for that one. An overlapping chunk that repeats it gains nothing.
- A result that holds several judged parts not met before is read as that many entries, the greatest grade first, as if they had come in smaller chunks one after the other. So the ideal ranking is the same for every chunking, and none can surpass it.

On the list of gains that this gives: **nDCG@10** with the grade as gain and a discount of log2(rank + 1) (Järvelin and Kekäläinen, 2002; trec_eval's variant), **recall@10** and **precision@5** of judged parts with any grade, and **MRR@10**, the mean of 1 / rank of the first. A query has ${(queries.judgements / queries.answerable).toFixed(1)} judged parts on average, so that an ideal ranking has a precision@5 of ${queries.idealPrecision5.toFixed(2)}. Ten results of 6,000 characters are four times the text of ten results of 1,500: **recall in 15,000 characters** gives both the same to read, and cuts the ranking off there.

Intervals are percentile bootstraps of 10,000 resamples of the queries with a fixed seed (Efron and Tibshirani, 1993), paired for differences (Sakai, 2006). They tell what other queries of this kind would give, not what another corpus would.

**BM25** is BM25+ by MiniSearch over Snowball stems, on the chunking of the two with which it does better. Searches are exact and, for the measures, without thresholds, so that neither an index nor a setting is between model and figures.
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
  if (low > 0) return "the interval is above 0, so that the candidate is better beyond doubt.";
  if (high < 0) return "the interval is below 0, so that the candidate is worse beyond doubt.";
  return "the interval holds 0, so that these queries show no difference.";
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
