import { expect, test } from "vitest";
import type { SpanQuery } from "./judged-queries.ts";
import { placeAnswer, sliceQueries } from "./slices.ts";

const documents = new Map([
  ["ru/vacation.md", { language: "ru", body: `${" ".repeat(7_000)}Отдых длится 28 дней.` }],
  ["en/vacation.md", { language: "en", body: "Leave is 25 days." }],
]);

function ask(text: string, ...answers: [document: string, start: number, end: number, grade?: number][]): SpanQuery {
  const judgements = answers.map(([document, start, end, grade = 2]) => ({ document, grade, span: { start, end } }));
  return { id: "q001", text, language: "ru", judgements };
}

test("a query is classified by its easiest answer", () => {
  const both = ask("Сколько дней отпуска?", ["en/vacation.md", 0, 17], ["ru/vacation.md", 7_000, 7_021]);
  expect(placeAnswer(both, documents)).toEqual({
    crossing: "in the answer's language",
    languages: "ru → ru",
    depth: "in the first 1,500 characters",
    words: "words in common",
  });
});

test("a judgement that only helps does not classify a query", () => {
  const deep = ask("Когда отпуск?", ["ru/vacation.md", 7_000, 7_021], ["en/vacation.md", 0, 17, 1]);
  expect(placeAnswer(deep, documents)).toMatchObject({ depth: "beyond 6,000", words: "no word in common" });
});

test("words are not compared between languages", () => {
  const crossing = ask("Сколько дней?", ["en/vacation.md", 0, 17]);
  expect(placeAnswer(crossing, documents)).toMatchObject({
    crossing: "in another language",
    languages: "ru → en",
    words: "no word in common",
  });
});

test("each slice has the means of its queries, and a slice without queries is left out", () => {
  const places = [
    placeAnswer(ask("Сколько дней?", ["ru/vacation.md", 7_000, 7_021]), documents),
    placeAnswer(ask("Когда отпуск?", ["ru/vacation.md", 7_000, 7_021]), documents),
    placeAnswer(ask("Сколько дней?", ["en/vacation.md", 0, 17]), documents),
  ];
  const slices = sliceQueries(places, { baseline: [0, 0.5, 0], candidate: [1, 0.5, 0], bm25: [0, 0, 0] });
  const means = slices.map(({ name, queries, difference }) => [name, queries, difference.mean]);
  expect(means).toEqual([
    ["in the answer's language", 2, 0.5],
    ["in another language", 1, 0],
    ["ru → ru", 2, 0.5],
    ["ru → en", 1, 0],
    ["in the first 1,500 characters", 1, 0],
    ["beyond 6,000", 2, 0.5],
    ["no word in common", 2, 0],
    ["words in common", 1, 1],
    ["no word, same language", 1, 0],
  ]);
});
