import { join } from "node:path";
import { ReembedError, type Span } from "@reembed/core";
import { readJudgements } from "@reembed/migration/evaluate";
import type { JudgedQuery, Judgement } from "@reembed/retrieval/measures";

interface SpanJudgement extends Judgement {
  span: Span;
}

/** A question in a language, and the parts of documents that answer it. */
export interface SpanQuery extends JudgedQuery {
  language: string;
  judgements: SpanJudgement[];
}

/**
 * Reads `queries.jsonl` and `qrels.tsv`. Every query must have a language, and every judgement a part of a document.
 * @throws ReembedError `judgements_unreadable` that names the file and the line, or `judgements_unfit`.
 */
export async function readJudgedQueries(folder: string): Promise<SpanQuery[]> {
  const queries = await readJudgements({ queries: join(folder, "queries.jsonl"), qrels: join(folder, "qrels.tsv") });
  return queries.map(({ language, judgements, ...query }) => {
    if (language === undefined) throw unfit(`Query ${query.id} has no metadata.language.`);
    const spans = judgements.map(({ span, ...judgement }) => {
      if (span === undefined) throw unfit(`Query ${query.id} is judged with all of ${judgement.document}.`);
      return { ...judgement, span };
    });
    return { ...query, language, judgements: spans };
  });
}

/**
 * @throws ReembedError `judgements_unfit` if a judged part is not within a document of the corpus, or if no query or
 * every query is answerable.
 */
export function requireFitJudgements(
  queries: readonly SpanQuery[],
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
