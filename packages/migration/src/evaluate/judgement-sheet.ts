import type { JudgedQuery } from "@reembed/retrieval/measures";
import { formatDelimited, parseDelimited } from "./delimited.ts";

/** Number of results per side in a sheet. A ranking is measured as deep as it was judged. */
export const sheetDepth = 5;

const columns = [
  "query-id",
  "query",
  "language",
  "rank",
  "a-grade",
  "a-document",
  "a-text",
  "b-grade",
  "b-document",
  "b-text",
] as const;
type Row = Record<(typeof columns)[number], string>;

interface SheetResult {
  uri: string;
  content: string;
}

/** A query with both sides' results, the best first. */
export interface SheetAnswers {
  query: Pick<JudgedQuery, "id" | "text" | "language">;
  answers: readonly [readonly SheetResult[], readonly SheetResult[]];
}

/**
 * A sheet for grading two answers to each query side by side, with one row per rank. The sides are swapped from query to
 * query, so that nobody knows whose answer is being graded.
 * @param path If it ends in .csv, fields are separated by commas; otherwise by tabs.
 */
export function formatSheet(path: string, queries: readonly SheetAnswers[]): string {
  const rows = queries.flatMap(({ query, answers }, index) => {
    const [a, b] = index % 2 === 0 ? answers : answers.toReversed();
    return Array.from({ length: sheetDepth }, (_, rank) => ({
      "query-id": query.id,
      query: query.text,
      language: query.language ?? "",
      rank: `${rank + 1}`,
      "a-grade": "",
      "a-document": a?.[rank]?.uri ?? "",
      "a-text": a?.[rank]?.content ?? "",
      "b-grade": "",
      "b-document": b?.[rank]?.uri ?? "",
      "b-text": b?.[rank]?.content ?? "",
    })).filter((row) => row["a-document"] !== "" || row["b-document"] !== "");
  });
  const cells = rows.map((row) => columns.map((column) => guardFormula(onOneLine(row[column]))));
  return formatDelimited([[...columns], ...cells], path.endsWith(".csv") ? "," : "\t");
}

/** Whether a text begins with the column names of a sheet. */
export function isSheet(text: string): boolean {
  return delimiterOf(text) !== undefined;
}

/**
 * Reads the graded queries of a sheet: 0 for a text that does not help, 1 if it helps, 2 if it answers. A grade counts for
 * the document, with the best grade of its texts, because a chunk of one chunking is rarely a chunk of the other. A query
 * without grades is left out.
 * @param unreadable Creates the error for a line and a reason.
 */
export function readSheet(text: string, unreadable: (line: number, reason: string) => Error): JudgedQuery[] {
  const [head, ...records] = parseDelimited(text, delimiterOf(text) ?? "\t");
  const queries = new Map<string, JudgedQuery>();
  const grades = new Map<string, Map<string, number>>();
  for (const { line, fields } of records) {
    const row = Object.fromEntries(
      (head?.fields ?? []).map((column, index) => [column, unguardFormula(fields[index] ?? "")]),
    ) as Row;
    for (const side of ["a", "b"] as const) {
      const grade = row[`${side}-grade`].trim();
      if (grade === "") continue;
      const document = row[`${side}-document`];
      if (!/^\d$/.test(grade) || document === "") throw unreadable(line, `${side}-grade is not a number from 0 to 9`);
      const { "query-id": id, query, language } = row;
      const of = grades.get(id) ?? new Map<string, number>();
      grades.set(id, of.set(document, Math.max(of.get(document) ?? 0, Number(grade))));
      queries.set(id, { id, text: query, language: language === "" ? undefined : language, judgements: [] });
    }
  }
  return [...queries.values()].map((query) => ({
    ...query,
    judgements: [...(grades.get(query.id) ?? [])].flatMap(([document, grade]) =>
      grade === 0 ? [] : [{ document, grade }],
    ),
  }));
}

/** Spreadsheets separate by a tab, a comma or, where the comma is the decimal mark, a semicolon. */
function delimiterOf(text: string): string | undefined {
  const [head = ""] = text.split(/\r?\n|\r/, 1);
  return ["\t", ",", ";"].find((delimiter) => {
    const found = parseDelimited(head, delimiter)[0]?.fields ?? [];
    return columns.every((column) => found.includes(column));
  });
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** A spreadsheet would evaluate texts that begin like this (OWASP, "CSV injection"); an apostrophe in front prevents it. */
function guardFormula(text: string): string {
  return /^'*[=+\-@]/.test(text) ? `'${text}` : text;
}

function unguardFormula(text: string): string {
  return /^'+[=+\-@]/.test(text) ? text.slice(1) : text;
}
