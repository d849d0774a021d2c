import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, type ReembedError } from "@reembed/core";
import { type DatabaseMessage, fromFailure } from "./database-messages.ts";
import { explainEnd } from "./failures.ts";

const childFile = fileURLToPath(new URL("./database-child.ts", import.meta.url));

/** Closing waits for the running statement, but no longer than this; then the child is killed and recovers at the next start. */
const closeTimeoutMs = 30_000;

export interface EmbeddedDatabase extends AsyncDisposable {
  /**
   * `postgresql://postgres@127.0.0.1:<port>/postgres`, on loopback only, for up to 200 connections. All of them share one
   * session: its settings, temporary tables, prepared statement names and advisory locks. While one connection is in a
   * transaction the others wait. NOTIFY does not arrive; COPY FROM STDIN ends the database.
   */
  readonly connectionString: string;
  /** Resolves if the database ends without having been closed. Never rejects. */
  readonly ended: Promise<ReembedError>;
  /** Rolls back open transactions, closes the connections, the database and its process, and releases the folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the database in `folder`, and creates it if there is none. It runs in a child process, because PGlite blocks its
 * event loop while a statement runs (1 timer tick in 2.8 s), which would also block the renewal of the queue's locks.
 * @throws ReembedError `embedded_locked` if another live process has the folder, `embedded_unwritable` if the folder
 * cannot be used, `embedded_unreadable` if its database cannot be opened.
 */
export async function openEmbeddedDatabase({ folder }: { folder: string }): Promise<EmbeddedDatabase> {
  const path = resolve(folder);
  const child = fork(childFile, [path], {
    // The parent's flags are not inherited: with --inspect both processes would want the same port. Node 22 would warn that
    // SQLite, which the lock is made of, is experimental.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // Standard output is for the results of a command.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<ReembedError>();
  let failure: ReembedError | undefined;
  let closed: Promise<void> | undefined;
  child.on("message", (message: DatabaseMessage) => {
    if (message.kind === "ready") ready.resolve(message.connectionString);
    else failure = fromFailure(message.failure);
  });
  const gone = untilGone(child).then((how) => {
    failure ??= explainEnd(path, how);
    ready.reject(failure);
    if (closed === undefined) ended.resolve(failure);
  });
  const connectionString = await ready.promise;
  return {
    connectionString,
    ended: ended.promise,
    [Symbol.asyncDispose]() {
      closed ??= close(child, gone);
      return closed;
    },
  };
}

/** Waits until the child has ended and its last message has arrived. Resolves with how it ended. */
async function untilGone(child: ChildProcess): Promise<string> {
  try {
    const [[code, signal]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function close(child: ChildProcess, gone: Promise<void>): Promise<void> {
  // Sending fails only if the child has ended already, and then there is nothing to close.
  if (child.connected) child.send("close", () => {});
  const forced = setTimeout(() => child.kill("SIGKILL"), closeTimeoutMs);
  await gone;
  clearTimeout(forced);
}
