import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keyOf, queriesPath, readGlossary, readTable, readTrainingRecord } from "./training-record.ts";

// One or two words are in any dictionary ("payday"); a text that contains a query of three or more was made for it.
const fewestWords = 3;

const queries = readFileSync(queriesPath, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line): string => keyOf(JSON.parse(line).text))
  .filter((query) => query.split(" ").length >= fewestWords);

function queriesWithin(texts: readonly string[]): string[] {
  const all = texts.map((text) => ` ${keyOf(text)} `).join("\n");
  return queries.filter((query) => all.includes(` ${query} `));
}

test("a query within a longer text is found", () => {
  const [query] = queries;
  expect(queriesWithin([`Before, ${query}?! After`])).toEqual([query]);
});

test("no query of the sample corpus occurs in the glossary", () => {
  expect(readGlossary().length).toBeGreaterThan(5_000);
  expect(queriesWithin(readGlossary())).toEqual([]);
});

test("no query of the sample corpus occurs in the held-out sentences", () => {
  expect(queriesWithin(readTable("held-out/ru-en.tsv").flat())).toEqual([]);
});

test.each(["mini-m3", "mini-rubert"])("the training data of %s was searched for exactly these queries", (model) => {
  const sha256 = createHash("sha256").update(readFileSync(queriesPath)).digest("hex");
  expect(readTrainingRecord(model).queries).toMatchObject({ sha256, occurring: 0 });
});
