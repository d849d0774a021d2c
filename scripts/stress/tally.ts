import type { Failure } from "./failures.ts";

/** Counts failures over several runs. */
export class Tally {
  readonly #runs: number;
  readonly #failedIn = new Map<string, Set<number>>();

  constructor(runs: number) {
    this.#runs = runs;
  }

  /** Returns the number of failures. */
  add(run: number, failures: readonly Failure[]): number {
    for (const { file, title } of failures) {
      const what = `${file}  ${title}`;
      this.#failedIn.set(what, (this.#failedIn.get(what) ?? new Set()).add(run));
    }
    return failures.length;
  }

  get failed(): boolean {
    return this.#failedIn.size > 0;
  }

  /** One line per failed test with the runs in which it failed, the most frequent first. */
  table(): string {
    if (!this.failed) return `Nothing failed in ${this.#runs} runs.`;
    const rows = [...this.#failedIn].sort(([a, inA], [b, inB]) => inB.size - inA.size || a.localeCompare(b));
    const lines = rows.map(([what, runs]) => [`${runs.size} of ${this.#runs}`, [...runs].join(", "), what] as const);
    return [["failed", "in run", "what"] as const, ...lines]
      .map(([failed, runs, what]) => `${failed.padEnd(10)}${runs.padEnd(16)}${what}`)
      .join("\n");
  }
}
