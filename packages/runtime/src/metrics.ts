import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Everything that a process of Reembed counts, by the names under which Prometheus scrapes it. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Each process has its own; a metric that it never touches stays without a value. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    jobs: new Counter({
      name: "reembed_jobs_total",
      help: "Batches, by outcome: completed, failed, or stalled and taken over.",
      labelNames: ["profile", "outcome"],
      registers,
    }),
    chunks: new Counter({
      name: "reembed_chunks_total",
      help: "Chunks, by outcome: embedded, stale or quarantined.",
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
      help: "Tokens of one run of the model at most; halved when a run finds no memory.",
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
      help: "Inference processes that ended and were started again.",
      labelNames: ["profile"],
      registers,
    }),
    queueJobs: new Gauge({
      name: "reembed_queue_jobs",
      help: "Batches in the queue, by state: waiting, active, delayed, failed.",
      labelNames: ["profile", "state"],
      registers,
    }),
    coverage: new Gauge({
      name: "reembed_coverage_ratio",
      help: "Chunks with a vector of their present text, of all chunks.",
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
  };
}
