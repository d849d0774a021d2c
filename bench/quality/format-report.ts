import { formatTable } from "@reembed/core";
import { formatDifference, formatInterval, measureNames } from "@reembed/retrieval/measures";
import { formatChange, formatFigure, formatPercentInterval, measureTitles } from "./format.ts";
import type { QualityReport } from "./report.ts";

/** The report as text for a terminal. */
export function formatReport(report: QualityReport): string {
  const { baseline, candidate, bm25, queries } = report;
  const asked = `${queries.answerable} answerable and ${queries.unanswerable} unanswerable queries`;
  return [
    `${report.documents} documents, ${asked}; means with 95 % intervals\n${report.machine}`,
    `baseline   ${baseline.profile}, ${baseline.chunks} chunks of ${baseline.chunking}`,
    `candidate  ${candidate.profile}, ${candidate.chunks} chunks of ${candidate.chunking}`,
    `bm25       compares words, chunks of ${bm25.chunking}\n`,
    formatTable(measureRows(report)),
    "",
    formatTable(sliceRows(report)),
    "",
    formatTable(thresholdRows(report)),
    "",
    formatTable(expectationRows(report)),
  ].join("\n");
}

export function measureRows({ baseline, candidate, bm25, difference }: QualityReport): string[][] {
  return [
    ["", "bm25", "baseline", "candidate", "difference"],
    ...measureNames.map((name) => [
      measureTitles[name],
      formatInterval(bm25[name]),
      formatInterval(baseline[name]),
      formatInterval(candidate[name]),
      formatDifference(difference[name]),
    ]),
  ];
}

export function sliceRows({ slices }: QualityReport): string[][] {
  return [
    ["nDCG@10", "queries", "bm25", "baseline", "candidate", "minus baseline", "minus bm25"],
    ...slices.map(({ name, queries, bm25, baseline, candidate, difference, differenceToBm25 }) => [
      name,
      `${queries}`,
      bm25.mean.toFixed(3),
      baseline.mean.toFixed(3),
      candidate.mean.toFixed(3),
      formatDifference(difference),
      formatDifference(differenceToBm25),
    ]),
  ];
}

export function thresholdRows({ thresholds }: QualityReport): string[][] {
  const cells = ({ threshold, answered, misled }: QualityReport["thresholds"]["baseline"]) => [
    `${threshold}`,
    formatPercentInterval(answered),
    formatPercentInterval(misled),
  ];
  return [
    ["", "threshold", "rightly answered", "wrongly answered"],
    ["baseline", ...cells(thresholds.baseline)],
    ["candidate", ...cells(thresholds.candidate)],
  ];
}

export function expectationRows({ expectations }: QualityReport): string[][] {
  return [
    ["migration plan", "expected", "baseline", "candidate", "measured", "verdict"],
    ...expectations.map(({ what, hoped, unit, baseline, candidate, change, low, high, verdict }) => [
      what,
      hoped,
      formatFigure(baseline, unit),
      formatFigure(candidate, unit),
      formatChange(change, low, high),
      verdict,
    ]),
  ];
}
