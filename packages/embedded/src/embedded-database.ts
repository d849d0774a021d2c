import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, type ReembedError } from "@reembed/core";
import { type DatabaseMessage, fromFailure } from "./database-messages.ts";
import { explainEnd } from "./failures.ts";

const childFile = fileURLToPath(new URL("./database-child.ts", import.meta.url));

/** Closing waits for the statement in hand. What is killed past this is recovered from its log at the next start. */
const closeTimeoutMs = 30_000;

export interface EmbeddedDatabase extends AsyncDisposable {
  /**
   * `postgresql://postgres@127.0.0.1:<port>/postgres`, loopback only, for up to 200 connections. They share one session:
   * its settings, temporary tables, names of prepared statements and advisory locks. While one of them is in a
   * transaction the others wait. NOTIFY does not arrive; COPY FROM STDIN ends the database.
   */
  readonly connectionString: string;
  /** Resolves when the database ends without having been asked to. Never rejects. */
  readonly ended: Promise<ReembedError>;
  /** Rolls back what is open, closes the connections, the database and its process, and lets go of the folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the database in `folder`, and creates what is not there. It runs in a child process, because PGlite freezes its
 * event loop while a statement runs (2.8 s: one tick), and with it the renewal of the queue's locks.
 * @throws ReembedError `embedded_locked` when another live process has the folder, `embedded_unwritable` when the folder
 * cannot be used, `embedded_unreadable` when its database cannot be opened.
 */
export async function openEmbeddedDatabase({ folder }: { folder: string }): Promise<EmbeddedDatabase> {
  const path = resolve(folder);
  const child = fork(childFile, [path], {
    // The parent's flags are its own: with --inspect both would want one port.
    execArgv: [],
    // Standard output belongs to the results of a command.
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

/** The child's end and the last of its messages have arrived. Resolves with how it ended. */
async function untilGone(child: ChildProcess): Promise<string> {
  try {
    const [[code, signal]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function close(child: ChildProcess, gone: Promise<void>): Promise<void> {
  // Only a child that is gone cannot be told, and then there is nothing to wait for.
  if (child.connected) child.send("close", () => {});
  const forced = setTimeout(() => child.kill("SIGKILL"), closeTimeoutMs);
  await gone;
  clearTimeout(forced);
}
