import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { measureNames } from "@reembed/retrieval/measures";
import { type BarGroup, drawBars } from "./charts/bars.ts";
import { drawThresholds, type ThresholdPanel } from "./charts/curves.ts";
import { type System, type Theme, themes } from "./charts/svg.ts";
import { measureTitles } from "./format.ts";
import { formatPage } from "./format-page.ts";
import type { MeasuredQuality } from "./measure-quality.ts";
import type { QualityReport } from "./report.ts";
import type { Slice } from "./slices.ts";

const docs = join(import.meta.dirname, "../../docs");
/** Slices with fewer queries are left out: their interval would be as wide as the picture. */
const leastQueries = 8;

const sliceTitles: Record<Slice["by"], string> = {
  crossing: "By whether the query is asked",
  languages: "By language, of the query → of its answer",
  depth: "By how deep in its document the answer begins",
  words: "By words that query and answer share",
};

/** Writes `docs/quality.md` and its pictures, in a light and a dark version each. */
export async function writeDocs({ report, curves }: MeasuredQuality): Promise<void> {
  const names: Record<System, string> = {
    bm25: `BM25, ${report.bm25.chunking}`,
    baseline: `${report.baseline.profile}, ${report.baseline.chunking}`,
    candidate: `${report.candidate.profile}, ${report.candidate.chunking}`,
  };
  const panels = (["baseline", "candidate"] as const).map((system): ThresholdPanel => {
    const { threshold } = report[system];
    return { system, name: names[system], threshold, curve: curves[system] };
  });
  const pictures: Record<string, (theme: Theme) => string> = {
    measures: (theme) =>
      drawBars({ title: "Measures of the three systems", groups: [measureGroup(report)], names }, theme),
    slices: (theme) => drawBars({ title: "nDCG@10 of kinds of queries", groups: sliceGroups(report), names }, theme),
    thresholds: (theme) => drawThresholds("What each threshold lets through", panels, theme),
  };
  await mkdir(join(docs, "quality"), { recursive: true });
  for (const [name, draw] of Object.entries(pictures)) {
    for (const [mode, theme] of Object.entries(themes)) {
      await writeFile(join(docs, "quality", `${name}-${mode}.svg`), draw(theme));
    }
  }
  await writeFile(join(docs, "quality.md"), formatPage(report));
}

function measureGroup({ bm25, baseline, candidate }: QualityReport): BarGroup {
  const rows = measureNames.map((name) => ({
    label: measureTitles[name],
    bm25: bm25[name],
    baseline: baseline[name],
    candidate: candidate[name],
  }));
  return { title: "", rows };
}

function sliceGroups({ slices }: QualityReport): BarGroup[] {
  return Object.entries(sliceTitles).flatMap(([by, title]) => {
    const rows = slices
      .filter((slice) => slice.by === by && slice.queries >= leastQueries)
      .map(({ name, queries, ...systems }) => ({ label: `${name} (${queries})`, ...systems }));
    return rows.length === 0 ? [] : [{ title, rows }];
  });
}
