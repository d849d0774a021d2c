import type { EmbedderObserver } from "@reembed/embedder";

/** Observes an embedder to measure how long its model was running. */
export class ModelTime implements EmbedderObserver {
  #runs: { start: number; end: number }[] = [];

  ran({ seconds }: { seconds: number }): void {
    const end = performance.now();
    this.#runs.push({ start: end - seconds * 1_000, end });
  }

  tokenised(): void {}
  budgeted(): void {}
  restarted(): void {}

  /** Share of the time between the start of the first run and the end of the last one in which no run was active. */
  takeIdleShare(): number {
    const start = Math.min(...this.#runs.map((run) => run.start));
    const end = Math.max(...this.#runs.map((run) => run.end));
    return 1 - (1_000 * this.take()) / (end - start);
  }

  /** Seconds since the last call in which at least one run was active. */
  take(): number {
    const runs = this.#runs.sort((a, b) => a.start - b.start);
    this.#runs = [];
    let busyMs = 0;
    let busyUntil = Number.NEGATIVE_INFINITY;
    for (const { start, end } of runs) {
      busyMs += Math.max(0, end - Math.max(start, busyUntil));
      busyUntil = Math.max(busyUntil, end);
    }
    return busyMs / 1_000;
  }
}
