import type { Judgement } from "./judgement.ts";

/** A question and where its answers are. A question without judgements has no answer in the corpus. */
export interface JudgedQuery {
  id: string;
  text: string;
  language: string | undefined;
  /** What helps, each with a grade above 0. */
  judgements: Judgement[];
}

/** The judgements of what answers the query; others only help. */
export function answersOf<J extends Judgement>({ judgements }: { judgements: readonly J[] }): J[] {
  const best = Math.max(...judgements.map(({ grade }) => grade));
  return judgements.filter(({ grade }) => grade === best);
}

/** One value for each answerable query, in order. */
export function ofAnswerable<T>(queries: readonly JudgedQuery[], take: (query: JudgedQuery, index: number) => T): T[] {
  return queries.flatMap((query, index) => (query.judgements.length === 0 ? [] : [take(query, index)]));
}
