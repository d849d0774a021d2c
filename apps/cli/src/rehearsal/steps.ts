import { say } from "../journey/say.ts";
import type { RehearsedStep } from "./rehearsal.ts";

/** The end of a step: what it says, what is of concern, and its result for the steps after it. */
interface Played<T> {
  says: string;
  concern?: string | null;
  result: T;
}

/** Plays one step after the other, says on stderr what came of each, and stops at the signal. */
export class Steps {
  readonly played: RehearsedStep[] = [];
  readonly #aborted: Promise<never>;

  constructor(signal: AbortSignal) {
    this.#aborted = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    // Between two steps nobody waits for it.
    this.#aborted.catch(() => {});
  }

  async play<T>(name: string, work: () => Promise<Played<T>>): Promise<T> {
    const startedAt = performance.now();
    const { says, concern = null, result } = await Promise.race([this.#aborted, work()]);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    this.played.push({ name, says, concern, seconds });
    say(`${name.padEnd(10)} ${says} (${seconds} s)`);
    if (concern !== null) say(`${"".padEnd(10)} ! ${concern}`);
    return result;
  }
}
