import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { waitFor } from "../processes/wait-for.ts";
import type { Account } from "./native-binaries.ts";
import type { ServerFolder } from "./server-folder.ts";

export interface ServerProcessOptions {
  /** Its usual name, such as PostgreSQL or Redis. */
  name: string;
  folder: ServerFolder;
  /** The server's program and arguments. It must stay in the foreground. */
  command: readonly [string, ...string[]];
  account?: Account | undefined;
  isReady: () => Promise<boolean>;
}

/** A server that can be started again after it has ended. Its output goes to `server.log` in its folder. */
export class ServerProcess {
  readonly #options: ServerProcessOptions;
  #running: ChildProcess | undefined;

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /**
   * Resolves when the server answers.
   * @throws ReembedError `native_start_failed` with the end of its log if it exits instead.
   */
  async start(): Promise<void> {
    const { name, folder, isReady } = this.#options;
    const child = this.#spawn();
    folder.guard(child.pid);
    await once(child, "spawn");
    this.#running = child;
    child.once("exit", () => {
      this.#running = undefined;
      folder.guard(undefined);
    });
    await waitFor(`${name} to answer`, async () => {
      if (this.#running === undefined) throw this.#startFailure(child);
      return isReady();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#running?.kill(signal);
  }

  /** Resolves when the server has exited; immediately if it is not running. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#running === undefined) return;
    const exited = once(this.#running, "exit");
    this.#running.kill(signal);
    await exited;
  }

  /** Waits for a server that was told to exit in another way than by a signal. */
  async exited(): Promise<void> {
    if (this.#running !== undefined) await once(this.#running, "exit");
  }

  get #logFile(): string {
    return join(this.#options.folder.path, "server.log");
  }

  #spawn(): ChildProcess {
    const { folder, command, account } = this.#options;
    const [file, ...args] = command;
    const log = openSync(this.#logFile, "a");
    try {
      // Detached, because a Ctrl-C in the terminal must not end the server while tests are running.
      return spawn(file, args, { cwd: folder.path, stdio: ["ignore", log, log], detached: true, ...account });
    } finally {
      closeSync(log);
    }
  }

  #startFailure(child: ChildProcess): ReembedError {
    const end = child.signalCode ?? `code ${child.exitCode}`;
    const tail = readFileSync(this.#logFile, "utf8").trimEnd().split("\n").slice(-20).join("\n");
    return new ReembedError(
      "native_start_failed",
      `${this.#options.name} exited with ${end} before it answered:\n${tail}`,
    );
  }
}
