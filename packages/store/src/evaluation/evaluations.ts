import { and, desc, eq } from "drizzle-orm";
import type { Queryable } from "../database/database.ts";
import { type EvaluationVerdict, evaluations } from "../schema/proofs.ts";

export interface EvaluationInput {
  baseline: string;
  candidate: string;
  verdict: EvaluationVerdict;
  /** The output of `reembed evaluate --json`. */
  report: Record<string, unknown>;
}

export interface Evaluation extends EvaluationInput {
  evaluatedAt: Date;
}

export async function recordEvaluation(database: Queryable, evaluation: EvaluationInput): Promise<void> {
  await database.insert(evaluations).values(evaluation);
}

/** The newest evaluation of this candidate against this baseline; undefined if there is none. */
export async function lastEvaluation(
  database: Queryable,
  { baseline, candidate }: Pick<Evaluation, "baseline" | "candidate">,
): Promise<Evaluation | undefined> {
  const [last] = await database
    .select()
    .from(evaluations)
    .where(and(eq(evaluations.baseline, baseline), eq(evaluations.candidate, candidate)))
    .orderBy(desc(evaluations.id))
    .limit(1);
  return last;
}
