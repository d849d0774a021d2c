import { ReembedError } from "@reembed/core";
import type { JudgedQuery, Judgement } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { readDocumentLengths } from "@reembed/store/evaluation";

/** Judgements that match no document distort every measure: a few are reported, more are refused. */
const mostUnmatched = 0.01;
const mostExamples = 3;

export interface MatchedQueries {
  queries: JudgedQuery[];
  /** What was left out, as sentences; empty if everything was matched. */
  notes: string[];
}

/**
 * Leaves out judgements of documents (by uri) that are not in the database, judgements of parts beyond the end of a
 * document, and queries that then have no judgement.
 * @throws ReembedError `judgements_unmatched` (exit code 3) if that is more than 1 % of the judgements.
 */
export async function matchJudgements(database: Database, queries: readonly JudgedQuery[]): Promise<MatchedQueries> {
  const judgements = queries.flatMap((query) => query.judgements);
  const lengths = await readDocumentLengths(database, [...new Set(judgements.map(({ document }) => document))]);
  const fits = ({ document, span }: Judgement) => (span?.end ?? 0) <= (lengths.get(document) ?? -1);
  const unmatched = judgements.filter((judgement) => !fits(judgement));
  if (unmatched.length === 0) return { queries: [...queries], notes: [] };

  const problem = describe(unmatched, judgements.length, new Set(lengths.keys()));
  if (unmatched.length > mostUnmatched * judgements.length) {
    throw new ReembedError("judgements_unmatched", problem, {
      exitCode: 3,
      remedy: "A corpus-id must be the uri of a loaded document, and a judged part must lie within its text.",
    });
  }
  const matched = queries
    .filter((query) => query.judgements.length === 0 || query.judgements.some(fits))
    .map((query) => ({ ...query, judgements: query.judgements.filter(fits) }));
  return { queries: matched, notes: [`${problem} They are left out.`] };
}

function describe(unmatched: readonly Judgement[], total: number, known: ReadonlySet<string>): string {
  const places = unmatched.map(({ document, span }) =>
    known.has(document) ? `${document} up to ${span?.end}` : document,
  );
  const different = [...new Set(places)];
  const examples = different.slice(0, mostExamples).join(", ");
  const more = different.length > mostExamples ? ", …" : "";
  return `${unmatched.length} of ${total} judgements refer to no text in the database: ${examples}${more}.`;
}
