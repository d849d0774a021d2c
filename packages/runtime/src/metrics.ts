import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** All metrics of Reembed's processes, by the names under which Prometheus scrapes them. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Every process creates its own. A metric that the process never sets has no value. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    ...workMetrics(registers),
    ...searchMetrics(registers),
    ...stateMetrics(registers),
    ...rolloutMetrics(registers),
  };
}

/** Of batches and of the model's runs. */
function workMetrics(registers: Registry[]) {
  return {
    jobs: new Counter({
      name: "reembed_jobs_total",
      help: "Batches, by outcome: completed, failed, or stalled and taken over.",
      labelNames: ["profile", "outcome"],
      registers,
    }),
    chunks: new Counter({
      name: "reembed_chunks_total",
      help: "Chunks, by outcome: embedded, reused (the vector of a chunk with the same text), stale or quarantined.",
      labelNames: ["profile", "outcome"],
      registers,
    }),
    tokens: new Counter({
      name: "reembed_tokens_total",
      help: "Tokens that went through the model, without padding.",
      labelNames: ["profile"],
      registers,
    }),
    truncatedTokens: new Counter({
      name: "reembed_truncated_tokens_total",
      help: "Tokens beyond the model's limit, which were cut off.",
      labelNames: ["profile"],
      registers,
    }),
    microBatchTexts: new Histogram({
      name: "reembed_micro_batch_texts",
      help: "Texts of one model run.",
      labelNames: ["profile"],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers,
    }),
    microBatchPadding: new Histogram({
      name: "reembed_micro_batch_padding_ratio",
      help: "Share of a model run's tokens that is padding.",
      labelNames: ["profile"],
      buckets: [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
      registers,
    }),
    tokenBudget: new Gauge({
      name: "reembed_token_budget",
      help: "Maximum tokens of one run of the model; halved when a run is out of memory.",
      labelNames: ["profile"],
      registers,
    }),
    stageSeconds: new Counter({
      name: "reembed_stage_seconds_total",
      help: "Time that batches spent in each stage: read, tokenise, infer, upsert. Batches overlap.",
      labelNames: ["profile", "stage"],
      registers,
    }),
    childRestarts: new Counter({
      name: "reembed_child_restarts_total",
      help: "Inference processes that died and were started again.",
      labelNames: ["profile"],
      registers,
    }),
  };
}

/** The metrics of searches and of their shadows. */
function searchMetrics(registers: Registry[]) {
  return {
    searchSeconds: new Histogram({
      name: "reembed_search_seconds",
      help: "Duration of searches, the query's embedding included. Role: answer, or shadow, which nobody sees.",
      labelNames: ["profile", "role"],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers,
    }),
    searches: new Counter({
      name: "reembed_searches_total",
      help: "Searches, by outcome: answered, empty (without a result) or failed.",
      labelNames: ["profile", "outcome"],
      registers,
    }),
    queryVectors: new Counter({
      name: "reembed_query_vectors_total",
      help: "Query vectors, by source: cache or model.",
      labelNames: ["model", "source"],
      registers,
    }),
    cachedQueryVectors: new Gauge({
      name: "reembed_cached_query_vectors",
      help: "Query vectors in the cache.",
      registers,
    }),
    shadowSearches: new Counter({
      name: "reembed_shadow_searches_total",
      help: "Searches that the candidate answers unseen, by outcome: compared, failed, dropped (busy) or uncovered.",
      labelNames: ["outcome"],
      registers,
    }),
    shadowOverlap: new Histogram({
      name: "reembed_shadow_overlap_ratio",
      help: "Share of the ten best documents that the candidate's answer has in common with the baseline's.",
      buckets: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
      registers,
    }),
    shadowRankCorrelation: new Histogram({
      name: "reembed_shadow_rank_correlation",
      help: "Kendall's rank correlation of the documents that both answers have, -1 to 1.",
      buckets: [-0.5, 0, 0.25, 0.5, 0.75, 0.9, 1],
      registers,
    }),
    lostSearchEvents: new Counter({
      name: "reembed_search_events_lost_total",
      help: "Searches that were not recorded, because the database was away for too long or refused the record.",
      registers,
    }),
  };
}

/** Of the queue and the profiles. */
function stateMetrics(registers: Registry[]) {
  return {
    queueJobs: new Gauge({
      name: "reembed_queue_jobs",
      help: "Batches in the queue, by state: waiting, active, delayed, failed.",
      labelNames: ["profile", "state"],
      registers,
    }),
    coverage: new Gauge({
      name: "reembed_coverage_ratio",
      help: "Chunks with a vector of their present text.",
      labelNames: ["profile"],
      registers,
    }),
    pendingChunks: new Gauge({
      name: "reembed_pending_chunks",
      help: "Chunks without a vector for their present text.",
      labelNames: ["profile"],
      registers,
    }),
    quarantinedChunks: new Gauge({
      name: "reembed_quarantined_chunks",
      help: "Chunks that cannot be embedded.",
      labelNames: ["profile"],
      registers,
    }),
    oldestChange: new Gauge({
      name: "reembed_oldest_change_seconds",
      help: "For how long the oldest change has been waiting for its vector; 0 without changes.",
      labelNames: ["profile"],
      registers,
    }),
    held: new Gauge({
      name: "reembed_backfill_held",
      help: "1 if the backfill is paused, has reached its share, is throttled, or embeds nothing because its vectors were adopted as they are; otherwise 0.",
      labelNames: ["profile"],
      registers,
    }),
    sentTokens: new Gauge({
      name: "reembed_sent_tokens",
      help: "Tokens that embedding servers have read for a profile, of all processes together.",
      labelNames: ["profile"],
      registers,
    }),
    cost: new Gauge({
      name: "reembed_cost",
      help: "What these tokens have cost, in the currency of the price.",
      labelNames: ["profile"],
      registers,
    }),
    costBudget: new Gauge({
      name: "reembed_cost_budget",
      help: "The cost at which embedding stops. Without a budget, a profile has no value.",
      labelNames: ["profile"],
      registers,
    }),
  };
}

/** Of who is answered by which profile, and how well. */
function rolloutMetrics(registers: Registry[]) {
  return {
    rolloutPercent: new Gauge({
      name: "reembed_rollout_percent",
      help: "Share of subjects that a profile answers, 0 to 100.",
      labelNames: ["profile"],
      registers,
    }),
    shadowPercent: new Gauge({
      name: "reembed_shadow_percent",
      help: "Share of the baseline's searches that the candidate answers too, unseen, 0 to 100.",
      registers,
    }),
    guardrailRatio: new Gauge({
      name: "reembed_guardrail_ratio",
      help: "By how much more often the candidate's searches are bad than the baseline's, by measure: errors, empty, negative. Figure: measured, certain (its lower bound) or allowed; beyond allowed, certain is a breach.",
      labelNames: ["measure", "figure"],
      registers,
    }),
    guardrailSeconds: new Gauge({
      name: "reembed_guardrail_latency_seconds",
      help: "The candidate's 95th percentile, by figure: measured, certain (its lower bound) or allowed; beyond allowed, certain is a breach.",
      labelNames: ["figure"],
      registers,
    }),
    guardrailBreaches: new Counter({
      name: "reembed_guardrail_breaches_total",
      help: "Times that the candidate was worse than the baseline by more than is allowed, and what was done: rolled back or warned.",
      labelNames: ["measure", "outcome"],
      registers,
    }),
    evaluationRatio: new Gauge({
      name: "reembed_evaluation_ratio",
      help: "Mean of the last evaluation's judged queries, by measure: ndcg, recall, mrr, precision, recall15k. Without judgements there is no value.",
      labelNames: ["profile", "measure"],
      registers,
    }),
    evaluationOverlap: new Gauge({
      name: "reembed_evaluation_overlap_ratio",
      help: "Share of the ten best documents that both profiles' answers had in common in the last evaluation.",
      labelNames: ["profile"],
      registers,
    }),
    evaluationVerdict: new Gauge({
      name: "reembed_evaluation_verdict",
      help: "1, with what the last evaluation says of the candidate: better, worse, undecided or unjudged.",
      labelNames: ["profile", "verdict"],
      registers,
    }),
    evaluatedAt: new Gauge({
      name: "reembed_evaluation_timestamp_seconds",
      help: "When the candidate was evaluated last, in seconds since 1970.",
      labelNames: ["profile"],
      registers,
    }),
  };
}
