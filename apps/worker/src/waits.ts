import { messageOf } from "@reembed/core";

/** What the batches of a worker wait for, so that `status` can say why a worker does not go on. */
export class Waits {
  readonly #errors = new Map<object, unknown>();

  /** A batch waits until an error has passed, or for nothing any more. */
  set(batch: object, error: unknown): void {
    if (error === undefined) this.#errors.delete(batch);
    else this.#errors.set(batch, error);
  }

  /** The message of one of the errors; null if no batch waits. */
  get reason(): string | null {
    const [error] = this.#errors.values();
    return error === undefined ? null : messageOf(error);
  }
}
