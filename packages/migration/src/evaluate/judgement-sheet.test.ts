import { join } from "node:path";
import { folderOf } from "@reembed/testing";
import { expect, test } from "vitest";
import { formatDelimited, parseDelimited } from "./delimited.ts";
import { formatSheet, isSheet, type SheetAnswers } from "./judgement-sheet.ts";
import { readJudgements } from "./read-judgements.ts";

const result = (uri: string) => ({ uri, content: `"Quoted", of ${uri};\n\twith a tab` });
const queries: SheetAnswers[] = [
  {
    query: { id: "q1", text: '=SUM("отпуск")', language: "ru" },
    answers: [[result("@ru/leave.md"), result("ru/pay.md")], [result("ru/pay.md")]],
  },
  { query: { id: "q2", text: "payday", language: undefined }, answers: [[result("old")], [result("new")]] },
];

/** The sheet after a person has filled it in: `grade` gives the grade for each side of a row. */
async function fill(
  sheet: string,
  delimiters: [written: string, saved: string],
  grade: (side: "a" | "b", row: Record<string, string>) => string,
) {
  const [head, ...records] = parseDelimited(sheet, delimiters[0]);
  const columns = head?.fields ?? [];
  const filled = records.map(({ fields }) => {
    const row = Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? ""]));
    return columns.map((column) =>
      column === "a-grade" || column === "b-grade" ? grade(column[0] as "a" | "b", row) : (row[column] ?? ""),
    );
  });
  const folder = await folderOf({ "sheet.csv": formatDelimited([columns, ...filled], delimiters[1]) });
  return await readJudgements({ qrels: join(folder, "sheet.csv") });
}

test("both answers are shown side by side without the names of their profiles", () => {
  const [head, first, second, other] = formatSheet("sheet.tsv", queries)
    .split("\n")
    .map((line) => line.split("\t"));
  expect(head?.slice(0, 4)).toEqual(["query-id", "query", "language", "rank"]);
  const documents = (row: string[] | undefined) => [row?.[5], row?.[8]];
  expect(documents(first)).toEqual(["'@ru/leave.md", "ru/pay.md"]);
  expect(documents(second)).toEqual(["ru/pay.md", ""]);
  // In the second query the sides are swapped.
  expect(documents(other)).toEqual(["new", "old"]);
  expect(first?.[6]).toBe('"""Quoted"", of @ru/leave.md; with a tab"');
});

test.each([
  ["sheet.tsv", "\t", "\t"],
  ["sheet.csv", ",", ","],
  ["sheet.csv", ",", ";"],
])("a filled sheet is read back as judgements of documents: %s, saved with %j", async (path, written, saved) => {
  const judged = await fill(formatSheet(path, queries), [written, saved], (side, row) => {
    if (row["query-id"] === "q2") return "0";
    return row[`${side}-document`] === "ru/pay.md" ? (side === "a" ? "1" : "2") : "";
  });
  expect(judged).toEqual([
    { id: "q1", text: '=SUM("отпуск")', language: "ru", judgements: [{ document: "ru/pay.md", grade: 2 }] },
    { id: "q2", text: "payday", language: undefined, judgements: [] },
  ]);
});

test("a query without grades is left out, and an invalid grade is reported with its line", async () => {
  const sheet = formatSheet("sheet.tsv", queries);
  const half = await fill(sheet, ["\t", "\t"], (_, row) => (row["query-id"] === "q1" && row.rank === "1" ? "1" : ""));
  expect(half.map(({ id }) => id)).toEqual(["q1"]);
  await expect(
    fill(sheet, ["\t", "\t"], (side, row) => (side === "b" && row.rank === "2" ? "good" : "")),
  ).rejects.toThrow("sheet.csv:3 cannot be read: b-grade is not a number from 0 to 9");
  expect(isSheet("query-id\tcorpus-id\tscore\n")).toBe(false);
});
