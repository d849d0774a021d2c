import { readFile } from "node:fs/promises";
import { messageOf, ReembedError } from "@reembed/core";
import type { JudgedQuery, Judgement } from "@reembed/retrieval/measures";
import { z } from "zod";
import { decodeUtf8 } from "../load/decode-utf8.ts";
import { RefusedDocument } from "../load/refused-document.ts";
import { type DelimitedRecord, parseDelimited } from "./delimited.ts";
import { isSheet, readSheet } from "./judgement-sheet.ts";

const Query = z.object({
  _id: z.union([z.string().min(1), z.number()]).transform(String),
  text: z.string().regex(/\S/, "is blank"),
  metadata: z.object({ language: z.string().min(1).optional().catch(undefined) }).nullish(),
});

export interface JudgementFiles {
  /** queries.jsonl; a graded sheet contains its queries. */
  queries?: string | undefined;
  /** qrels.tsv or a graded sheet; without it there are no judgements. */
  qrels?: string | undefined;
  /** Leaves out queries without a judgement instead of counting them as unanswerable. */
  judgedOnly?: boolean | undefined;
}

/**
 * Reads queries and judgements in BEIR's layout, with two optional columns for the judged part of a document, or a graded
 * sheet. A judgement of grade 0 only means that its query was judged.
 * @throws ReembedError `judgements_unreadable` (exit code 2) that names the file and the line.
 */
export async function readJudgements({ queries, qrels, judgedOnly = false }: JudgementFiles): Promise<JudgedQuery[]> {
  const judgements = qrels === undefined ? undefined : { path: qrels, text: await readText(qrels) };
  if (judgements !== undefined && isSheet(judgements.text)) {
    return readSheet(judgements.text, (line, reason) => unreadable(`${qrels}:${line}`, reason));
  }
  if (queries === undefined)
    throw unreadable(`${qrels}`, "it is not a sheet, and the queries are missing: give --queries");
  const read = parseQueries(queries, await readText(queries));
  const judged = new Set(judgements === undefined ? [] : addJudgements(read, judgements));
  return [...read.values()].filter(({ id }) => !judgedOnly || judged.has(id));
}

function parseQueries(path: string, text: string): Map<string, JudgedQuery> {
  const queries = new Map<string, JudgedQuery>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const place = `${path}:${index + 1}`;
    const query = parseQuery(place, line);
    if (queries.has(query.id)) throw unreadable(place, `the query ${query.id} occurs twice`);
    queries.set(query.id, query);
  }
  return queries;
}

function parseQuery(place: string, line: string): JudgedQuery {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    throw unreadable(place, messageOf(error));
  }
  const { data, error } = Query.safeParse(fields);
  if (data === undefined) {
    throw unreadable(place, error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; "));
  }
  return { id: data._id, text: data.text, language: data.metadata?.language, judgements: [] };
}

/** Adds the judgements to their queries, and returns the ids of all judged queries. */
function addJudgements(queries: Map<string, JudgedQuery>, { path, text }: { path: string; text: string }): string[] {
  const [head, ...records] = parseDelimited(text, "\t");
  if (/^\d+$/.test(head?.fields[2] ?? "")) {
    throw unreadable(
      `${path}:1`,
      "the first line is a judgement, but must have the names of the columns: query-id, corpus-id, score",
    );
  }
  const seen = new Set<string>();
  return records.map((record) => {
    const place = `${path}:${record.line}`;
    const { queryId, judgement } = parseJudgement(place, record);
    const query = queries.get(queryId);
    if (query === undefined) throw unreadable(place, `there is no query ${queryId}`);
    const key = JSON.stringify([queryId, judgement.document, judgement.span]);
    if (seen.has(key)) throw unreadable(place, "this is judged twice");
    seen.add(key);
    if (judgement.grade > 0) query.judgements.push(judgement);
    return queryId;
  });
}

function parseJudgement(place: string, { fields }: DelimitedRecord): { queryId: string; judgement: Judgement } {
  const [queryId = "", document = "", ...cells] = fields;
  const [grade, start, end] = cells.map((cell) => (/^\d+$/.test(cell) ? Number(cell) : Number.NaN));
  const complete = queryId !== "" && document !== "" && !Number.isNaN(grade ?? Number.NaN);
  if (complete && cells.length === 1) return { queryId, judgement: { document, grade: grade as number } };
  if (!complete || cells.length !== 3 || !((start as number) < (end as number))) {
    throw unreadable(
      place,
      "it does not consist of query-id, corpus-id, a whole score from 0 and, for a part, start and a greater end, separated by tabs",
    );
  }
  const span = { start: start as number, end: end as number };
  return { queryId, judgement: { document, grade: grade as number, span } };
}

async function readText(path: string): Promise<string> {
  try {
    return decodeUtf8(await readFile(path));
  } catch (error) {
    // By default a spreadsheet saves in the encoding of its machine, or in UTF-16.
    if (error instanceof RefusedDocument) throw unreadable(path, `${error.message}; save it as UTF-8`);
    throw unreadable(path, messageOf(error));
  }
}

function unreadable(place: string, reason: string): ReembedError {
  return new ReembedError("judgements_unreadable", `${place} cannot be read: ${reason}.`, {
    exitCode: 2,
    remedy: "`reembed evaluate --help` describes the format of the files.",
  });
}
