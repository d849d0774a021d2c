import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Judgement, messageOf, ReembedError, type Span } from "@reembed/core";

export interface SpanJudgement extends Judgement {
  span: Span;
}

/** A question and where it is answered: nowhere, if it has no judgement. */
export interface JudgedQuery {
  id: string;
  text: string;
  language: string;
  judgements: SpanJudgement[];
}

/**
 * Reads `queries.jsonl` and `qrels.tsv`: BEIR's files, with two more columns for where in its document an answer is.
 * @throws ReembedError `judgements_unreadable` that names the file and the line.
 */
export async function readJudgedQueries(folder: string): Promise<JudgedQuery[]> {
  const queries = new Map<string, JudgedQuery>();
  for (const { place, line } of await readLines(folder, "queries.jsonl")) {
    const query = parseQuery(place, line);
    if (queries.has(query.id)) throw unreadable(place, `the query ${query.id} is there twice`);
    queries.set(query.id, query);
  }
  const [, ...judgements] = await readLines(folder, "qrels.tsv");
  for (const { place, line } of judgements) {
    const { queryId, judgement } = parseJudgement(place, line);
    const query = queries.get(queryId);
    if (query === undefined) throw unreadable(place, `there is no query ${queryId}`);
    query.judgements.push(judgement);
  }
  return [...queries.values()];
}

/** What was judged to answer the query, and not only to help. */
export function answersOf({ judgements }: JudgedQuery): SpanJudgement[] {
  const best = Math.max(...judgements.map(({ grade }) => grade));
  return judgements.filter(({ grade }) => grade === best);
}

/**
 * @throws ReembedError `judgements_unfit` when a span is not within a document of the corpus, or when no query is
 * answerable, or every one is.
 */
export function requireFitJudgements(
  queries: readonly JudgedQuery[],
  documents: ReadonlyMap<string, { body: string }>,
): void {
  for (const { id, judgements } of queries) {
    for (const { document, span } of judgements) {
      const body = documents.get(document)?.body;
      if (body === undefined) throw unfit(`Query ${id} is judged with ${document}, which is not in the corpus.`);
      const length = [...body].length;
      if (span.end > length)
        throw unfit(`Query ${id} is judged up to ${span.end} of ${document}, which has ${length}.`);
    }
  }
  const answerable = queries.filter(({ judgements }) => judgements.length > 0).length;
  if (answerable === 0 || answerable === queries.length) {
    throw unfit(`${answerable} of ${queries.length} queries are answerable; both kinds are needed.`);
  }
}

function unfit(message: string): ReembedError {
  return new ReembedError("judgements_unfit", message, { exitCode: 2 });
}

function parseQuery(place: string, line: string): JudgedQuery {
  try {
    const { _id: id, text, metadata } = JSON.parse(line) as { _id: string; text: string; metadata: unknown };
    const { language } = metadata as { language: string };
    if ([id, text, language].every((field) => typeof field === "string" && field !== "")) {
      return { id, text, language, judgements: [] };
    }
  } catch (error) {
    throw unreadable(place, messageOf(error));
  }
  throw unreadable(place, "it lacks _id, text or metadata.language");
}

function parseJudgement(place: string, line: string): { queryId: string; judgement: SpanJudgement } {
  const [queryId, document, ...numbers] = line.split("\t");
  const [grade, start, end] = numbers.map((cell) => (/^\d+$/.test(cell) ? Number(cell) : Number.NaN));
  const complete = queryId !== undefined && document !== undefined && numbers.length === 3;
  if (!complete || grade === undefined || start === undefined || end === undefined || !(grade >= 1 && start < end)) {
    throw unreadable(place, "it is not query-id, corpus-id, a score above 0, start and a greater end, between tabs");
  }
  return { queryId, judgement: { document, grade, span: { start, end } } };
}

async function readLines(folder: string, file: string): Promise<{ place: string; line: string }[]> {
  const path = join(folder, file);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, messageOf(error));
  });
  return text
    .split("\n")
    .map((line, index) => ({ place: `${path}:${index + 1}`, line }))
    .filter(({ line }) => line !== "");
}

function unreadable(place: string, reason: string): ReembedError {
  return new ReembedError("judgements_unreadable", `${place} cannot be read: ${reason}.`, {
    exitCode: 2,
    remedy: "Its format is described in bench/README.md.",
  });
}
