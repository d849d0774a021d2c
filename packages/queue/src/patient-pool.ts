import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, isTransient } from "@reembed/core";
import pg from "pg";

const bounds = { leastMs: 100, mostMs: 3_000 };

type OnConnected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/**
 * A pool for BullMQ that waits for a server that is away, as ioredis does. BullMQ 6.7 keeps the result of its first
 * connection for ever, even a failure, and retries without a pause if a starting server refuses it (57P03). Every failed
 * attempt is an `error` event.
 */
export class PatientPool extends pg.Pool {
  readonly #closing = new AbortController();

  constructor(config: pg.PoolConfig) {
    super(config);
    // Without a listener for "error", a lost connection would end the process: here an idle one, below one in use.
    this.on("error", () => {});
    this.on("connect", (client) => client.on("error", () => {}));
  }

  /** After this, a server that is away is an error, because nobody needs its answer any more. */
  giveUp(): void {
    this.#closing.abort();
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: OnConnected): void;
  override connect(callback?: OnConnected): Promise<pg.PoolClient> | undefined {
    const connected = this.#connect();
    if (callback === undefined) return connected;
    connected.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error, undefined, () => {}),
    );
    return undefined;
  }

  async #connect(): Promise<pg.PoolClient> {
    for (let failures = 0; ; ) {
      try {
        return await super.connect();
      } catch (error) {
        const { signal } = this.#closing;
        if (!isTransient(error) || signal.aborted) throw error;
        this.emit("error", error as Error);
        await delay(backoffMs(++failures, bounds), undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
