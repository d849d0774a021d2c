import { answersOf, bootstrapDifference, bootstrapMean, type Interval } from "@reembed/retrieval/measures";
import type { StoredDocument } from "./corpus.ts";
import type { SpanQuery } from "./judged-queries.ts";
import { contentStems } from "./words/stems.ts";

/** nDCG@10 of the systems for a subset of the queries. */
export interface Slice {
  by: "crossing" | "languages" | "depth" | "words";
  name: string;
  queries: number;
  baseline: Interval;
  candidate: Interval;
  bm25: Interval;
  /** Candidate minus baseline. */
  difference: Interval;
  /** Candidate minus BM25. */
  differenceToBm25: Interval;
}

/** nDCG@10 of each answerable query, in order. */
export interface QueryScores {
  baseline: readonly number[];
  candidate: readonly number[];
  bm25: readonly number[];
}

/** Where a query's answer is; if there are several, the one that is easiest to find. */
export interface AnswerPlace {
  crossing: string;
  languages: string;
  depth: string;
  /** Whether they share content words, by stem; between two languages no word counts as shared. */
  words: string;
}

const crossings = ["in the answer's language", "in another language"] as const;
const depths = ["in the first 1,500 characters", "from there to 6,000", "beyond 6,000"] as const;
const words = ["no word in common", "words in common"] as const;
const ownWordless = "no word, same language";

export function placeAnswer(query: SpanQuery, documents: ReadonlyMap<string, StoredDocument>): AnswerPlace {
  const answers = answersOf(query);
  const languages = answers.map(({ document }) => documents.get(document)?.language);
  const own = languages.includes(query.language);
  const depth = Math.min(...answers.map(({ span }) => span.start));
  return {
    crossing: crossings[own ? 0 : 1],
    languages: `${query.language} → ${own ? query.language : languages[0]}`,
    depth: depths[depth < 1_500 ? 0 : depth < 6_000 ? 1 : 2],
    words: words[sharesStem(query, documents) ? 1 : 0],
  };
}

/** Slices by language, the one with the most queries first. */
export function sliceQueries(places: readonly AnswerPlace[], scores: QueryScores): Slice[] {
  const languages = Map.groupBy(places, ({ languages }) => languages);
  const bySize = [...languages].sort(([, a], [, b]) => b.length - a.length).map(([name]) => name);
  const slice = (by: Slice["by"], names: readonly string[], of: (place: AnswerPlace) => string | undefined) =>
    names.flatMap((name) => {
      const queries = [...places.keys()].filter((query) => of(places[query] as AnswerPlace) === name);
      return queries.length === 0 ? [] : [measureSlice({ by, name }, queries, scores)];
    });
  return [
    ...slice("crossing", crossings, (place) => place.crossing),
    ...slice("languages", bySize, (place) => place.languages),
    ...slice("depth", depths, (place) => place.depth),
    ...slice("words", words, (place) => place.words),
    ...slice("words", [ownWordless], ({ crossing, words: shared }) =>
      crossing === crossings[0] && shared === words[0] ? ownWordless : undefined,
    ),
  ];
}

function measureSlice(
  slice: Pick<Slice, "by" | "name">,
  queries: readonly number[],
  { baseline, candidate, bm25 }: QueryScores,
): Slice {
  const of = (system: readonly number[]) => queries.map((query) => system[query] as number);
  return {
    ...slice,
    queries: queries.length,
    baseline: bootstrapMean(of(baseline)),
    candidate: bootstrapMean(of(candidate)),
    bm25: bootstrapMean(of(bm25)),
    difference: bootstrapDifference(of(baseline), of(candidate)),
    differenceToBm25: bootstrapDifference(of(bm25), of(candidate)),
  };
}

/** Whether the query and an answer in the same language share a content word. */
export function sharesStem(query: SpanQuery, documents: ReadonlyMap<string, StoredDocument>): boolean {
  const asked = contentStems(query.text, query.language);
  return answersOf(query).some(({ document, span }) => {
    const { body, language } = documents.get(document) as StoredDocument;
    const answer = [...body].slice(span.start, span.end).join("");
    return language === query.language && !contentStems(answer, language).isDisjointFrom(asked);
  });
}
