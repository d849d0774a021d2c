import { expect, test } from "vitest";
import { Bm25Index, type IndexedChunk } from "./bm25.ts";

const chunk = (id: number, content: string, language = "ru"): IndexedChunk => ({
  id,
  document: `${language}/${id}.md`,
  start: 0,
  end: content.length,
  content,
  language,
});

test("a chunk is found by another form of a word, and a chunk with none of the words is not found", () => {
  const index = new Bm25Index([chunk(1, "Отпуск длится 28 дней."), chunk(2, "Зарплату платят дважды.")]);
  expect(index.search("отпуска", "ru", 10)).toEqual([{ document: "ru/1.md", start: 0, end: 22 }]);
  expect(index.search("parking", "en", 10)).toEqual([]);
});

test("a rare word counts for more than three frequent ones", () => {
  const frequent = Array.from({ length: 10 }, (_, index) => chunk(index + 10, "отпуск зарплата премия сотрудников"));
  const others = Array.from({ length: 10 }, (_, index) => chunk(index + 20, "столовая парковка спортзал библиотека"));
  const index = new Bm25Index([...frequent, ...others, chunk(1, "домофон двор ворота калитка")]);
  // MiniSearch's own score would rank these the other way round, because it multiplies by the number of matching words.
  expect(index.search("отпуск зарплата премия домофон", "ru", 3)[0]).toMatchObject({ document: "ru/1.md" });
});

test("a limit keeps the best, and equal scores are ordered by id", () => {
  const index = new Bm25Index([5, 3, 4].map((id) => chunk(id, "badge and door", "en")));
  expect(index.search("door", "en", 2).map(({ document }) => document)).toEqual(["en/3.md", "en/4.md"]);
});
