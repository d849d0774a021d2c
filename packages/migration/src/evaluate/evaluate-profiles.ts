import { ReembedError } from "@reembed/core";
import type { Embedder } from "@reembed/embedder";
import type { SearchKind } from "@reembed/retrieval";
import {
  type CutoffMeasures,
  calibrateThreshold,
  column,
  type Interval,
  type JudgedQuery,
  type MeasuredQueries,
  type ScoredChunk,
} from "@reembed/retrieval/measures";
import { version } from "@reembed/runtime/version";
import type { Database } from "@reembed/store/database";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { type Coverage, readCoverage } from "@reembed/store/progress";
import type { EvaluationVerdict } from "@reembed/store/schema";
import { summarizeAgreement } from "./agreement-summary.ts";
import type { Answers } from "./answers.ts";
import { findCauses } from "./causes.ts";
import { type Contender, embedQueries, type Progress, rankAll } from "./contender.ts";
import { type ExampleOptions, findExamples } from "./examples.ts";
import { describeQuality, measureQueries, scoresOf } from "./judged-quality.ts";
import { measureProxies } from "./proxies.ts";
import type { EvaluatedProfile, EvaluationReport, QuerySource } from "./report.ts";

/** A profile that lacks more than this share of its vectors is not evaluated, because it cannot find those chunks. */
const mostPending = 0.01;

export interface EvaluateOptions {
  database: Database;
  baseline: RegisteredProfile;
  candidate: RegisteredProfile;
  embedders: { baseline: Embedder; candidate: Embedder };
  /** Queries judged by documents of the database, or not judged; without queries there are only proxies. */
  queries: readonly JudgedQuery[];
  source: QuerySource;
  /** Number of results that the measures count; 10 by default. */
  k?: number | undefined;
  search?: SearchKind | undefined;
  /** Embeds each model's vectors of the other's chunks in this process if the database lacks them. */
  grid?: boolean | undefined;
  /** Maximum number of proxy queries if there are no judgements; none by default. */
  proxies?: number | undefined;
  progress?: Progress | undefined;
}

export interface Evaluated {
  report: EvaluationReport;
  answers: { baseline: Answers; candidate: Answers };
}

/**
 * Searches for the same queries with both profiles and compares the results.
 * @throws ReembedError `profile_uncovered` (exit code 3) if a profile is not built.
 */
export async function evaluateProfiles(options: EvaluateOptions): Promise<Evaluated> {
  const { database, queries, source, search = "exact", proxies = 0, progress = () => {} } = options;
  const sides = {
    baseline: { profile: options.baseline, embedder: options.embedders.baseline },
    candidate: { profile: options.candidate, embedder: options.embedders.candidate },
  };
  const baseline = describeProfile(options.baseline, await requireCovered(database, options.baseline));
  const candidate = describeProfile(options.candidate, await requireCovered(database, options.candidate));
  const answers = {
    baseline: await findAnswers(database, sides.baseline, queries, { search, progress }),
    candidate: await findAnswers(database, sides.candidate, queries, { search, progress }),
  };
  const answerable = queries.filter(({ judgements }) => judgements.length > 0).length;
  const judged = answerable > 0;
  const { ndcg, ...compared } = judged
    ? await compareJudged(answers, options)
    : { verdict: "unjudged" as const, quality: null, causes: null, ndcg: [] };
  const report: EvaluationReport = {
    version,
    baseline,
    candidate,
    queries: { source, count: queries.length, answerable, unanswerable: judged ? queries.length - answerable : 0 },
    search,
    ...compared,
    examples: await findExamples({ database, queries, answers, search, ndcg }),
    proxies: judged || proxies === 0 ? null : await measureProxies(database, sides, { most: proxies, progress }),
    agreement: summarizeAgreement(answers.baseline.rankings, answers.candidate.rankings),
    thresholds: queries.length === 0 ? null : calibrate(answers, queries, judged),
    notes: [],
  };
  return { report, answers };
}

async function findAnswers(
  database: Database,
  side: Contender,
  queries: readonly JudgedQuery[],
  options: { search: SearchKind; progress: Progress },
): Promise<Answers> {
  const texts = queries.map(({ text }) => text);
  const vectors = await embedQueries(side, texts, options.progress);
  return { ...side, vectors, rankings: await rankAll(database, side.profile, vectors, options) };
}

async function compareJudged(
  { baseline, candidate }: Evaluated["answers"],
  { database, queries, k = 10, grid = false, progress = () => {} }: EvaluateOptions,
): Promise<Pick<EvaluationReport, "verdict" | "quality" | "causes"> & Pick<ExampleOptions, "ndcg">> {
  const measure = (rankings: readonly (readonly ScoredChunk[])[]) => measureQueries(queries, rankings, k);
  const [before, after] = [measure(baseline.rankings), measure(candidate.rankings)];
  const quality = describeQuality(queries, [before, after], k);
  const ndcgOf = (measures: MeasuredQueries<keyof CutoffMeasures>) => column(measures, "ndcg");
  const causes = await findCauses(
    { baseline: { ...baseline, ndcg: ndcgOf(before) }, candidate: { ...candidate, ndcg: ndcgOf(after) } },
    (rankings) => ndcgOf(measure(rankings)),
    { database, inMemory: grid, progress },
  );
  return {
    verdict: judge(quality.difference.ndcg),
    quality,
    causes,
    ndcg: pairUp(queries, [ndcgOf(before), ndcgOf(after)]),
  };
}

/** The measures of answerable queries at the places of all queries. */
function pairUp(
  queries: readonly JudgedQuery[],
  [before, after]: readonly [readonly number[], readonly number[]],
): ExampleOptions["ndcg"] {
  let next = 0;
  return queries.map(({ judgements }) => {
    if (judgements.length === 0) return null;
    const place = next++;
    return { baseline: before[place] ?? 0, candidate: after[place] ?? 0 };
  });
}

function judge({ low, high }: Interval): EvaluationVerdict {
  if (low > 0) return "better";
  return high < 0 ? "worse" : "undecided";
}

function calibrate({ baseline, candidate }: Evaluated["answers"], queries: readonly JudgedQuery[], judged: boolean) {
  const of = ({ profile: { threshold }, rankings }: Answers) => ({
    scores: scoresOf(queries, rankings, judged),
    threshold,
  });
  return calibrateThreshold(of(baseline), of(candidate));
}

async function requireCovered(database: Database, profile: RegisteredProfile): Promise<Coverage> {
  const coverage = await readCoverage(database, profile);
  if (coverage.embedded > 0 && coverage.pending <= mostPending * coverage.chunks) return coverage;
  throw new ReembedError(
    "profile_uncovered",
    `${profile.name} has vectors for ${coverage.embedded} of ${coverage.chunks} chunks, and cannot find the others.`,
    { exitCode: 3, remedy: "Evaluate it when its backfill is complete; `reembed status` shows the progress." },
  );
}

function describeProfile(
  { name, model, chunking, limit, threshold }: RegisteredProfile,
  { embedded }: Coverage,
): EvaluatedProfile {
  return { profile: name, model, chunking, chunks: embedded, limit, threshold };
}
