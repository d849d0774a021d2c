import { writeFile } from "node:fs/promises";
import { messageOf, ReembedError } from "@reembed/core";
import { type SearchKind, searchBy } from "@reembed/retrieval";
import { firstOfEachDocument, type JudgedQuery } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { mostDifferent } from "./agreement-summary.ts";
import type { Answers } from "./answers.ts";
import type { Evaluated } from "./evaluate-profiles.ts";
import { formatSheet, type SheetAnswers, sheetDepth } from "./judgement-sheet.ts";

const mostQueries = 20;

export interface SheetOptions {
  database: Database;
  queries: readonly JudgedQuery[];
  answers: Evaluated["answers"];
  search: SearchKind;
}

/**
 * Writes the answers that differ most to a sheet, and returns the number of queries in it.
 * @throws ReembedError `sheet_unwritable` or, without queries, `sheet_without_queries` (both exit code 2).
 */
export async function writeSheet(
  path: string,
  { database, queries, answers: { baseline, candidate }, search }: SheetOptions,
): Promise<number> {
  const sheet: SheetAnswers[] = [];
  for (const index of mostDifferent(baseline.rankings, candidate.rankings, mostQueries)) {
    // Rankings have no texts, because the texts of a thousand queries would fill the memory.
    const read = (side: Answers) => readTexts(database, side, index, search);
    sheet.push({ query: queries[index] as JudgedQuery, answers: [await read(baseline), await read(candidate)] });
  }
  await writeFile(path, formatSheet(path, sheet)).catch((error: unknown) => {
    throw new ReembedError("sheet_unwritable", `The sheet cannot be written: ${messageOf(error)}`, { exitCode: 2 });
  });
  return sheet.length;
}

/** The best chunk of each of the first documents. */
async function readTexts(database: Database, { profile, vectors }: Answers, query: number, search: SearchKind) {
  const vector = vectors[query] as Float32Array;
  const results = await searchBy(database, profile, vector, { search, limit: profile.limit });
  return firstOfEachDocument(results.map((result) => ({ ...result, document: result.uri }))).slice(0, sheetDepth);
}
