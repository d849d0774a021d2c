import { readCorpus } from "@reembed/migration/load";
import { answersOf } from "@reembed/retrieval/measures";
import { beforeAll, describe, expect, test } from "vitest";
import { handbook, type StoredDocument } from "./corpus.ts";
import { readJudgedQueries, requireFitJudgements, type SpanQuery } from "./judged-queries.ts";
import { sharesStem } from "./slices.ts";
import { isBoundary } from "./span-boundaries.ts";

const documents = new Map<string, StoredDocument>();
let queries: SpanQuery[];
let answerable: SpanQuery[];

beforeAll(async () => {
  for await (const entry of readCorpus(handbook)) {
    if (entry.kind === "problem") throw new Error(`${entry.problem.place}: ${entry.problem.reason}`);
    documents.set(entry.document.uri, entry.document);
  }
  queries = await readJudgedQueries(handbook);
  answerable = queries.filter(({ judgements }) => judgements.length > 0);
});

/** Whether no answer is in the query's language. */
function isCrossLanguage(query: SpanQuery): boolean {
  return answersOf(query).every(({ document }) => documents.get(document)?.language !== query.language);
}

describe("the sample handbook", () => {
  test("has at least 120 documents, about a third of which are longer than the candidate's chunks", () => {
    const long = [...documents.values()].filter(({ body }) => [...body].length > 6_000).length;
    expect(documents.size).toBeGreaterThanOrEqual(120);
    expect(long / documents.size).toBeGreaterThan(0.25);
    expect(long / documents.size).toBeLessThan(0.45);
  });
});

describe("the judged queries", () => {
  test("are at least 200, in five languages, most in Russian", () => {
    expect(queries.length).toBeGreaterThanOrEqual(200);
    const byLanguage = Map.groupBy(queries, ({ language }) => language);
    const languages = [...byLanguage].sort(([, a], [, b]) => b.length - a.length).map(([language]) => language);
    expect(languages[0]).toBe("ru");
    expect(languages.toSorted()).toEqual(["de", "en", "es", "fr", "ru"]);
  });

  test("occur once each", () => {
    const texts = queries.map(({ text }) => text.toLowerCase());
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });

  test("are judged within documents of the handbook, and some have no answer there", () => {
    expect(() => requireFitJudgements(queries, documents)).not.toThrow();
    expect(queries.length - answerable.length).toBeGreaterThanOrEqual(20);
  });

  test("have a judgement that answers, or no judgement at all", () => {
    expect(answerable.filter((query) => answersOf(query)[0]?.grade !== 2).map(({ id }) => id)).toEqual([]);
  });

  test("include answers in another language, deep in their documents, and without a word in common", () => {
    const sameLanguage = answerable.filter((query) => !isCrossLanguage(query));
    const deep = answerable.filter((query) => answersOf(query).every(({ span }) => span.start > 3_000));
    expect(answerable.filter(isCrossLanguage).length).toBeGreaterThanOrEqual(20);
    expect(deep.length).toBeGreaterThanOrEqual(20);
    expect(sameLanguage.filter((query) => !sharesStem(query, documents)).length).toBeGreaterThanOrEqual(20);
  });
});

describe("the judged parts of documents", () => {
  test("start and end with a sentence, a list item, a table row or a line, so no edit has shifted them", () => {
    const shifted = answerable.flatMap(({ id, judgements }) =>
      judgements
        .filter(({ document, span }) => {
          const { body } = documents.get(document) as StoredDocument;
          return !isBoundary(body, span.start, "start") || !isBoundary(body, span.end, "end");
        })
        .map(({ document, span }) => `${id}: ${document} [${span.start}, ${span.end})`),
    );
    expect(shifted).toEqual([]);
  });

  test("are so short that one of the baseline's chunks contains half of each", () => {
    // A chunk of 1,500 has at least four fifths of that length, so a part of up to 1,200 is cut at most once.
    const lengths = answerable.flatMap(({ judgements }) => judgements.map(({ span }) => span.end - span.start));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_200);
  });
});
