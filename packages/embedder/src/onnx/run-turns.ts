/**
 * Lets a few runs at a time into the inference process; of those that wait, the runs of the oldest batch go first. If all
 * batches took turns, they would end together, and the model would wait while the next ones are tokenised.
 */
export class RunTurns {
  readonly #limit: number;
  #running = 0;
  /** By batch; of one batch, in the order in which they came. */
  readonly #waiting: { batch: number; enter: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param batch The number of the run's batch: an older batch has a lower one. */
  async take<Result>(batch: number, run: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#limit) this.#running++;
    else await this.#wait(batch);
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next.enter();
    }
  }

  #wait(batch: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const later = this.#waiting.findIndex((other) => other.batch > batch);
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, { batch, enter: resolve });
    return promise;
  }
}
