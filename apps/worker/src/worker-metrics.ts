import type { EmbedderObserver } from "@reembed/embedder";
import type { BatchResult } from "@reembed/queue";
import type { Metrics } from "@reembed/runtime";

/** A worker's metrics, labelled with its profile. */
export class WorkerMetrics {
  readonly #metrics: Metrics;
  readonly #profile: string;
  #lastRunAt = Number.NEGATIVE_INFINITY;

  constructor(metrics: Metrics, profile: string) {
    this.#metrics = metrics;
    this.#profile = profile;
    // Prometheus sees no increase from nothing to 1.
    for (const outcome of ["completed", "failed", "stalled"]) metrics.jobs.inc({ profile, outcome }, 0);
    for (const outcome of ["embedded", "reused", "stale", "quarantined"]) metrics.chunks.inc({ profile, outcome }, 0);
    metrics.childRestarts.inc({ profile }, 0);
  }

  /** The observer that counts what happens inside the embedder. */
  get observer(): EmbedderObserver {
    const { microBatchTexts, microBatchPadding, tokenBudget, childRestarts } = this.#metrics;
    const profile = this.#profile;
    return {
      tokenised: (seconds) => this.addStage("tokenise", seconds),
      budgeted: (tokens) => tokenBudget.set({ profile }, tokens),
      ran: ({ texts, tokens, padding, seconds }) => {
        this.#lastRunAt = performance.now();
        this.addStage("infer", seconds);
        microBatchTexts.observe({ profile }, texts);
        microBatchPadding.observe({ profile }, padding / (tokens + padding));
      },
      restarted: () => childRestarts.inc({ profile }),
    };
  }

  /** Time since the last run of the model. */
  get idleMs(): number {
    return performance.now() - this.#lastRunAt;
  }

  /** Batches overlap, and so do their stages. */
  addStage(stage: "read" | "tokenise" | "infer" | "upsert", seconds: number): void {
    this.#metrics.stageSeconds.inc({ profile: this.#profile, stage }, seconds);
  }

  addJob(outcome: "completed" | "failed" | "stalled"): void {
    this.#metrics.jobs.inc({ profile: this.#profile, outcome });
  }

  addChunks({ embedded, reused, stale, quarantined, tokens, truncatedTokens }: BatchResult): void {
    const profile = this.#profile;
    const { chunks } = this.#metrics;
    chunks.inc({ profile, outcome: "embedded" }, embedded);
    chunks.inc({ profile, outcome: "reused" }, reused);
    chunks.inc({ profile, outcome: "stale" }, stale);
    chunks.inc({ profile, outcome: "quarantined" }, quarantined);
    this.#metrics.tokens.inc({ profile }, tokens);
    this.#metrics.truncatedTokens.inc({ profile }, truncatedTokens);
  }
}
