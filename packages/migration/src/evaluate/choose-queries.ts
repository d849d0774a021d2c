import type { JudgedQuery } from "@reembed/retrieval/measures";
import type { Database } from "@reembed/store/database";
import { readLoggedQueries } from "@reembed/store/evaluation";
import { matchJudgements } from "./match-judgements.ts";
import { readJudgements } from "./read-judgements.ts";
import type { QuerySource } from "./report.ts";
import { spread } from "./spread.ts";

export interface QueryChoice {
  queries?: string | undefined;
  qrels?: string | undefined;
  judgedOnly?: boolean | undefined;
  /** Maximum number of queries from the search log. */
  logged?: number | undefined;
  /** Maximum number of queries; if there are more, an evenly spread selection. */
  sample: number;
}

export interface ChosenQueries {
  source: QuerySource;
  queries: JudgedQuery[];
  /** What was left out, as sentences. */
  notes: string[];
}

const loggedByDefault = 200;

/**
 * Chooses the queries: those of the files or, without files, the latest ones of the search log, if queries are logged.
 * @throws ReembedError of `readJudgements` and `matchJudgements`.
 */
export async function chooseQueries(database: Database, choice: QueryChoice): Promise<ChosenQueries> {
  const { qrels, sample, logged = loggedByDefault } = choice;
  if (choice.queries === undefined && qrels === undefined) {
    const texts = await readLoggedQueries(database, Math.min(logged, sample));
    const queries = texts.map((text, index) => ({
      id: `logged-${index + 1}`,
      text,
      language: undefined,
      judgements: [],
    }));
    return { source: queries.length === 0 ? "none" : "logged", queries, notes: [] };
  }
  const { queries, notes } = await matchJudgements(database, await readJudgements(choice));
  const chosen = spread(queries, sample);
  const left = `${chosen.length} of ${queries.length} queries, evenly spread over the file; raise --sample for more.`;
  return {
    source: qrels === undefined ? "given" : "judged",
    queries: chosen,
    notes: chosen.length < queries.length ? [...notes, left] : notes,
  };
}
