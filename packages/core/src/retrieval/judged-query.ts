import type { Judgement } from "./judgement.ts";

/** A question and where it is answered: nowhere, if it has no judgement. */
export interface JudgedQuery {
  id: string;
  text: string;
  language: string | undefined;
  /** Of what helps, each with a grade above 0. */
  judgements: Judgement[];
}

/** What was judged to answer the query, and not only to help. */
export function answersOf<J extends Judgement>({ judgements }: { judgements: readonly J[] }): J[] {
  const best = Math.max(...judgements.map(({ grade }) => grade));
  return judgements.filter(({ grade }) => grade === best);
}

/** The values of the answerable queries: what is taken of each query, in their order. */
export function ofAnswerable<T>(queries: readonly JudgedQuery[], take: (query: JudgedQuery, index: number) => T): T[] {
  return queries.flatMap((query, index) => (query.judgements.length === 0 ? [] : [take(query, index)]));
}
