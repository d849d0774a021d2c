import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ReembedError } from "@reembed/core";
import { type DatabaseMessage, fromFailure } from "./database-messages.ts";

const childFile = fileURLToPath(new URL("./database-child.ts", import.meta.url));

/** A statement in hand is waited for; past this the child is killed, which costs the next start a recovery. */
const closeTimeoutMs = 30_000;

export interface EmbeddedDatabase extends AsyncDisposable {
  /**
   * `postgresql://postgres@127.0.0.1:<port>/postgres`: loopback only, up to 200 connections. They share one session:
   * settings, temporary tables, names of prepared statements, advisory locks. While one is in a transaction, the others
   * wait. NOTIFY does not arrive, and COPY FROM STDIN ends the database.
   */
  readonly connectionString: string;
  /** Resolves when the database ends without having been asked to. Never rejects. */
  readonly ended: Promise<ReembedError>;
  /** Rolls back what is open, closes the connections and the database, and gives the folder free. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the database in `folder`, creating both if they are not there. It runs in a child process, because PGlite
 * freezes its event loop while a statement runs (2.8 s: one tick), and with it the renewal of the queue's locks.
 * @throws ReembedError `embedded_locked` when another live process has the folder open, `embedded_unwritable` when the
 * folder cannot be used, `embedded_unreadable` when what is in it cannot be opened.
 */
export async function openEmbeddedDatabase({ folder }: { folder: string }): Promise<EmbeddedDatabase> {
  const child = fork(childFile, [resolve(folder)], {
    // The parent's own flags are not the child's: with --inspect the two would want one port.
    execArgv: [],
    // Standard output belongs to the command's results.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<ReembedError>();
  let failure: ReembedError | undefined;
  child.on("message", (message: DatabaseMessage) => {
    if (message.kind === "ready") ready.resolve(message.connectionString);
    else failure = fromFailure(message.failure);
  });
  const gone = untilGone(child);
  gone.then((how) => {
    const error = failure ?? endedUnasked(resolve(folder), how);
    ready.reject(error);
    ended.resolve(error);
  }, ready.reject);
  return new DatabaseProcess(child, gone, await ready.promise, ended.promise);
}

class DatabaseProcess implements EmbeddedDatabase {
  readonly connectionString: string;
  readonly ended: Promise<ReembedError>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<string>;
  #closed: Promise<void> | undefined;

  constructor(child: ChildProcess, gone: Promise<string>, connectionString: string, ended: Promise<ReembedError>) {
    this.#child = child;
    this.#gone = gone;
    this.connectionString = connectionString;
    this.ended = Promise.race([ended.then((error) => this.#closed?.then(() => never) ?? error)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const child = this.#child;
    // The answer to a failed send is that the child is gone, which is awaited anyway.
    if (child.connected) child.send("close", () => {});
    const forced = setTimeout(() => child.kill("SIGKILL"), closeTimeoutMs);
    await this.#gone;
    clearTimeout(forced);
  }
}
