import type { Config } from "@reembed/config";
import { chunkingName } from "@reembed/core";
import { requireTwoProfiles } from "@reembed/migration/evaluate";
import {
  column,
  compareMeasures,
  type DecidingScores,
  decidingScores,
  summarizeMeasures,
  type ThresholdEffect,
  thresholdCurve,
  thresholdEffect,
} from "@reembed/retrieval/measures";
import { describeMachine } from "../machine.ts";
import { openCorpus, readDocuments, readIndexedChunks } from "./corpus.ts";
import { type EmbeddingCost, embedCorpus, type SideSearches, searchQueries } from "./costs.ts";
import { measureBm25, measureQueries, type QueryMeasures } from "./evaluate.ts";
import { checkExpectations } from "./expectations.ts";
import { readJudgedQueries, requireFitJudgements, type SpanQuery } from "./judged-queries.ts";
import type { ProfileQuality, QualityReport } from "./report.ts";
import { Side } from "./side.ts";
import { placeAnswer, sliceQueries } from "./slices.ts";

export interface MeasuredQuality {
  report: QualityReport;
  curves: { baseline: ThresholdEffect[]; candidate: ThresholdEffect[] };
}

/**
 * Embeds the handbook with both configured profiles in a database of its own, searches it exactly for every judged query,
 * and computes the measures.
 * @param say Receives each step.
 */
export async function measureQuality(
  config: Pick<Config, "baseline" | "candidate" | "models">,
  judgements: string,
  say: (step: string) => void,
): Promise<MeasuredQuality> {
  requireTwoProfiles(config);
  const queries = await readJudgedQueries(judgements);
  await using scope = new AsyncDisposableStack();
  const profiles = [config.baseline, config.candidate];
  const database = await openCorpus(profiles, scope);
  const documents = await readDocuments(database);
  requireFitJudgements(queries, documents);

  const sides: Side[] = [];
  for (const profile of profiles) {
    const options = { profile, modelsFolder: config.models.folder };
    sides.push(scope.use(await Side.open(database, options)));
  }
  say(`Embedding ${documents.size} documents with ${config.baseline.name} and ${config.candidate.name}`);
  const costs = await embedCorpus(database, sides);
  say(`Searching for ${queries.length} queries`);
  const searches = await searchQueries(database, sides, queries);
  say("Measuring");
  const [baseline, candidate] = sides.map((side, index) =>
    measureSide(queries, side, costs[index] as EmbeddingCost, searches[index] as SideSearches),
  ) as [MeasuredSide, MeasuredSide];
  const corpora = [];
  for (const profile of profiles) corpora.push({ profile, chunks: await readIndexedChunks(database, profile) });
  const bm25 = measureBm25(queries, corpora);
  const answerable = queries.filter(({ judgements }) => judgements.length > 0);
  const places = answerable.map((query) => placeAnswer(query, documents));

  const report: QualityReport = {
    benchmark: "quality",
    documents: documents.size,
    queries: describeQueries(queries, answerable),
    baseline: baseline.quality,
    candidate: candidate.quality,
    bm25: { chunking: bm25.chunking, ...bm25.quality },
    difference: compareMeasures(baseline.measures, candidate.measures),
    differenceToBm25: compareMeasures(bm25.measures, candidate.measures),
    slices: sliceQueries(places, {
      baseline: column(baseline.measures, "ndcg10"),
      candidate: column(candidate.measures, "ndcg10"),
      bm25: column(bm25.measures, "ndcg10"),
    }),
    thresholds: {
      baseline: thresholdEffect(baseline.scores, config.baseline.threshold),
      candidate: thresholdEffect(candidate.scores, config.candidate.threshold),
    },
    expectations: checkExpectations(baseline, candidate),
    machine: describeMachine(),
  };
  return { report, curves: { baseline: thresholdCurve(baseline.scores), candidate: thresholdCurve(candidate.scores) } };
}

function describeQueries(queries: readonly SpanQuery[], answerable: readonly SpanQuery[]): QualityReport["queries"] {
  const judgements = answerable.map((query) => query.judgements.length);
  return {
    answerable: answerable.length,
    unanswerable: queries.length - answerable.length,
    judgements: judgements.reduce((sum, count) => sum + count, 0),
    idealPrecision5: judgements.reduce((sum, count) => sum + Math.min(count, 5) / 5, 0) / answerable.length,
  };
}

interface MeasuredSide {
  quality: ProfileQuality;
  measures: QueryMeasures;
  scores: DecidingScores;
}

function measureSide(
  queries: readonly SpanQuery[],
  { profile, chunks }: Side,
  embedding: EmbeddingCost,
  { rankings, searchMs, queryEmbeddingMs }: SideSearches,
): MeasuredSide {
  const measures = measureQueries(queries, rankings);
  const { name, model, limit, threshold } = profile;
  const quality = {
    profile: name,
    model: model.id,
    revision: model.revision,
    chunking: chunkingName(profile.chunking),
    chunks: chunks.length,
    limit,
    threshold,
    ...summarizeMeasures(measures),
    embedding,
    searchMs,
    queryEmbeddingMs,
  };
  return { quality, measures, scores: decidingScores(queries, rankings) };
}
