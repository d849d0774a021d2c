import { endsWithin } from "@reembed/core";
import { say } from "../journey/say.ts";
import type { RehearsedStep } from "./rehearsal-result.ts";

/** What a step ends with, besides what it has for the steps after it. */
type Ending = Pick<RehearsedStep, "says"> & Partial<Pick<RehearsedStep, "concern">>;

/** How long a step that was interrupted may take to come to an end, before what it works with is closed. */
const endMs = 5_000;

/** Plays one step after the other, says on stderr what came of each, and stops at the signal. */
export class Steps {
  readonly played: RehearsedStep[] = [];
  readonly #signal: AbortSignal;
  readonly #aborted: Promise<never>;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#aborted = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    // Between two steps nobody waits for it.
    this.#aborted.catch(() => {});
  }

  async play<Result extends Ending>(name: string, work: () => Promise<Result>): Promise<Result> {
    this.#signal.throwIfAborted();
    const startedAt = performance.now();
    const result = await this.#untilAborted(work());
    const { says, concern = null } = result;
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    this.played.push({ name, says, concern, seconds });
    say(`${name.padEnd(10)} ${says} (${seconds} s)`);
    if (concern !== null) say(`${"".padEnd(10)} ! ${concern}`);
    return result;
  }

  async #untilAborted<T>(working: Promise<T>): Promise<T> {
    try {
      return await Promise.race([this.#aborted, working]);
    } finally {
      if (this.#signal.aborted) {
        await endsWithin(
          endMs,
          working.catch(() => {}),
        );
      }
    }
  }
}
