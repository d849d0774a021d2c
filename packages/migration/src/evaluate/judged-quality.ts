import {
  bestScore,
  bootstrapDifference,
  bootstrapMean,
  type CutoffMeasures,
  column,
  compareMeasures,
  decidingScores,
  firstOfEachDocument,
  type JudgedQuery,
  type MeasuredQueries,
  measureRankingAt,
  ofAnswerable,
  type QueryScores,
  type ScoredChunk,
  summarizeMeasures,
} from "@reembed/retrieval/measures";
import type { JudgedQuality, LanguageSlice } from "./report.ts";

type Rankings = readonly (readonly ScoredChunk[])[];

/** The measures of each answerable query. For documents judged as a whole, only a document's first chunk is a result. */
export function measureQueries(
  queries: readonly JudgedQuery[],
  rankings: Rankings,
  k: number,
): MeasuredQueries<keyof CutoffMeasures> {
  return ofAnswerable(queries, ({ judgements }, index) => {
    const ranking = rankings[index] ?? [];
    const whole = judgements.every(({ span }) => span === undefined);
    return measureRankingAt(whole ? firstOfEachDocument(ranking) : ranking, judgements, k);
  });
}

export function describeQuality(
  queries: readonly JudgedQuery[],
  [before, after]: [MeasuredQueries<keyof CutoffMeasures>, MeasuredQueries<keyof CutoffMeasures>],
  k: number,
): JudgedQuality {
  return {
    k,
    baseline: summarizeMeasures(before),
    candidate: summarizeMeasures(after),
    difference: compareMeasures(before, after),
    slices: sliceByLanguage(queries, [column(before, "ndcg"), column(after, "ndcg")]),
  };
}

/** The scores that decide which queries get results at a threshold and, if they were judged, right ones. */
export function scoresOf(queries: readonly JudgedQuery[], rankings: Rankings, judged: boolean): QueryScores {
  const deciding = judged ? decidingScores(queries, rankings) : { right: [], wrong: [] };
  return { best: rankings.map(bestScore), ...deciding };
}

/** Slices by language, the one with the most queries first. */
function sliceByLanguage(
  queries: readonly JudgedQuery[],
  [before, after]: [readonly number[], readonly number[]],
): LanguageSlice[] {
  const languages = ofAnswerable(queries, ({ language }) => language ?? null);
  const members = Map.groupBy(languages.keys(), (query) => languages[query] as string | null);
  return [...members]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([language, of]) => {
      const baseline = of.map((query) => before[query] as number);
      const candidate = of.map((query) => after[query] as number);
      return {
        language,
        queries: of.length,
        baseline: bootstrapMean(baseline),
        candidate: bootstrapMean(candidate),
        difference: bootstrapDifference(baseline, candidate),
      };
    });
}
