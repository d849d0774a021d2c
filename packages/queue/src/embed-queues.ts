import type { OnQueueError } from "./bullmq.ts";
import { EmbedQueue } from "./embed-queue.ts";
import type { QueueServer } from "./server.ts";

/** The queues of all profiles. Each is opened on first use. */
export class EmbedQueues implements AsyncDisposable {
  readonly #server: QueueServer;
  readonly #onError: OnQueueError;
  readonly #opened = new Map<string, EmbedQueue>();

  constructor(server: QueueServer, onError: OnQueueError) {
    this.#server = server;
    this.#onError = onError;
  }

  of(profile: string): EmbedQueue {
    const opened = this.#opened.get(profile);
    if (opened !== undefined) return opened;
    const queue = new EmbedQueue(this.#server, profile, this.#onError);
    this.#opened.set(profile, queue);
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#opened.values()].map((queue) => queue[Symbol.asyncDispose]()));
  }
}
