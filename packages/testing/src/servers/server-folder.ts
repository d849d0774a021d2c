import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Account } from "./native-binaries.ts";

/**
 * Reads the id of the process that uses the folder, or an empty line if none does, until the other end closes the pipe:
 * when the folder is disposed of, or when our process has ended in any way. Only then does it act.
 */
const guardScript = `
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -s "$1" "$pid"
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.2; done
fi
rm -rf "$2"
`;

/**
 * A server's temporary folder, with a guard process that outlives this one: when this process ends, even by SIGKILL, the
 * guard ends the server and removes the folder. A pipe is portable; PR_SET_PDEATHSIG only exists on Linux and would leave
 * the folder.
 */
export class ServerFolder implements AsyncDisposable {
  readonly path: string;
  readonly #guard: ChildProcess & { stdin: Writable };

  /** `endSignal` must make the server end at once, with all of its child processes. */
  constructor(name: string, endSignal: NodeJS.Signals, account?: Account) {
    this.path = mkdtempSync(join(tmpdir(), `reembed-${name}-`));
    if (account !== undefined) chownSync(this.path, account.uid, account.gid);
    // Detached, because a Ctrl-C in the terminal must not end the guard before the server.
    this.#guard = spawn("sh", ["-c", guardScript, "guard", endSignal.slice("SIG".length), this.path], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
  }

  /** Sets the process that uses the folder; undefined after it has ended. */
  guard(pid: number | undefined): void {
    this.#guard.stdin.write(`${pid ?? ""}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#guard.exitCode !== null) return;
    const closed = once(this.#guard, "close");
    this.#guard.stdin.end();
    await closed;
  }
}
