import { PGlite, type PGliteOptions } from "@electric-sql/pglite";

type RawOptions = Parameters<PGlite["execProtocolRawStream"]>[1];

const sync = Buffer.from("S\0\0\0\x04", "latin1");
const checkpoint = Buffer.from("Q\0\0\0\x0fCHECKPOINT\0", "latin1");
const checkpointIntervalMs = 30_000;

/**
 * PGlite's only session, made safe for many connections.
 *
 * pglite-socket 0.2.17 passes it the messages of its connections one at a time, and stays with one connection only while
 * `isInTransaction()` (electric-sql/pglite#1046). Queries that had to wait for a transaction then run message by message,
 * and one connection's Bind meets another's unnamed statement: of 3,000 queries on 30 connections over a third got an
 * error or another query's rows, and then all of them hung. So a query counts as a transaction here, from its first
 * message to its Sync.
 */
export class SharedSession extends PGlite {
  /** Resolves with the reason if Postgres ends the session by FATAL or PANIC: nothing works after that. */
  readonly broken: Promise<unknown>;
  readonly #break: (reason: unknown) => void;
  #awaitsSync = false;
  #checkpointedAt = performance.now();

  constructor(options: PGliteOptions) {
    super(options);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.broken = promise;
    this.#break = resolve;
  }

  override isInTransaction(): boolean {
    return this.#awaitsSync || super.isInTransaction();
  }

  override async execProtocolRawStream(message: Uint8Array, options: RawOptions): Promise<void> {
    this.#awaitsSync = awaitsSync(message, this.#awaitsSync);
    try {
      await super.execProtocolRawStream(message, options);
      if (this.#wantsCheckpoint()) {
        this.#checkpointedAt = performance.now();
        await super.execProtocolRawStream(checkpoint, { onRawData: () => {} });
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /** pglite-socket rolls back for a connection that has closed. If it closed within a query, its Sync never came. */
  override async exec(...args: Parameters<PGlite["exec"]>): ReturnType<PGlite["exec"]> {
    if (this.#awaitsSync) {
      this.#awaitsSync = false;
      await this.execProtocolRaw(sync);
    }
    return super.exec(...args);
  }

  /** PGlite has no checkpointer, so the log only grows: 1.3 GB of it took 3 s to recover, and stayed on the disk. */
  #wantsCheckpoint(): boolean {
    return performance.now() - this.#checkpointedAt > checkpointIntervalMs && !this.isInTransaction();
  }
}

/** Whether the session belongs to the sender until its Sync. Messages of COPY and Terminate do not change that. */
function awaitsSync(message: Uint8Array, before: boolean): boolean {
  const kind = String.fromCharCode(message[0] ?? 0);
  if ("PBDECH".includes(kind)) return true;
  return "SQF".includes(kind) ? false : before;
}
