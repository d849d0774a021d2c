export { type ChosenQueries, chooseQueries } from "./choose-queries.ts";
export type { Progress } from "./contender.ts";
export { evaluateProfiles } from "./evaluate-profiles.ts";
export type { ProxyQuality } from "./proxies.ts";
export { takeSentence } from "./proxy-query.ts";
export { readJudgements } from "./read-judgements.ts";
export type { EvaluationReport } from "./report.ts";
export { runEvaluation } from "./run-evaluation.ts";
export { requireTwoProfiles } from "./two-profiles.ts";
