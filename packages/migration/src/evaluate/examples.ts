import { type SearchKind, searchBy } from "@reembed/retrieval";
import { agreementOf, firstOfEachDocument, type JudgedQuery } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import type { Answers } from "./answers.ts";
import type { EvaluationExample, EvaluationExamples } from "./report.ts";

/** Queries of each kind, and documents of each answer. */
const shown = { queries: 5, documents: 3 };

export interface ExampleOptions {
  database: Database;
  queries: readonly JudgedQuery[];
  answers: { baseline: Answers; candidate: Answers };
  search: SearchKind;
  /** nDCG of each query with both profiles; null for one without judgements. */
  ndcg: readonly ({ baseline: number; candidate: number } | null)[];
}

/** The queries whose answers got better or worse most or, without judgements, changed most. */
export async function findExamples(options: ExampleOptions): Promise<EvaluationExamples> {
  const { ndcg, queries, answers } = options;
  const change = (query: number) => {
    const of = ndcg[query];
    return of == null ? 0 : of.candidate - of.baseline;
  };
  const judged = [...queries.keys()].filter((query) => ndcg[query] != null);
  const better = judged.filter((query) => change(query) > 0).sort((a, b) => change(b) - change(a));
  const worse = judged.filter((query) => change(query) < 0).sort((a, b) => change(a) - change(b));
  const documents = (side: Answers, query: number) => side.rankings[query]?.map(({ document }) => document) ?? [];
  const overlap = (query: number) =>
    agreementOf(documents(answers.baseline, query), documents(answers.candidate, query)).overlap;
  const changed =
    judged.length > 0
      ? []
      : [...queries.keys()].filter((query) => overlap(query) < 1).sort((a, b) => overlap(a) - overlap(b));
  const read = async (chosen: readonly number[]) => {
    const examples: EvaluationExample[] = [];
    for (const query of chosen.slice(0, shown.queries)) examples.push(await readExample(query, options));
    return examples;
  };
  return { better: await read(better), worse: await read(worse), changed: await read(changed) };
}

async function readExample(
  query: number,
  { database, queries, answers, search, ndcg }: ExampleOptions,
): Promise<EvaluationExample> {
  const read = async ({ profile, vectors }: Answers) => {
    const vector = vectors[query] as Float32Array;
    const results = await searchBy(database, profile, vector, { search, limit: profile.limit });
    return firstOfEachDocument(results.map((result) => ({ ...result, document: result.uri })))
      .slice(0, shown.documents)
      .map(({ uri, title }) => ({ uri, title }));
  };
  const { text, language } = queries[query] as JudgedQuery;
  return {
    query: text,
    language: language ?? null,
    ndcg: ndcg[query] ?? null,
    baseline: await read(answers.baseline),
    candidate: await read(answers.candidate),
  };
}
