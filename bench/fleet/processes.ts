import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf } from "./cpu-use.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface Servers {
  connectionString: string;
  redisUrl: string;
}

/** A producer, started as an operator starts it. */
export class ProducerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor({ connectionString, redisUrl }: Servers) {
    const settings = { DATABASE_URL: connectionString, REDIS_URL: redisUrl, LOG_LEVEL: "warn", TICK_SECONDS: "1" };
    this.#child = spawn(process.execPath, [file("../../apps/cli/bin/reembed.mjs"), "producer"], {
      env: { ...process.env, ...settings },
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid ?? 0);
  }

  /** Resident memory in MiB; only available on Linux. */
  memoryMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child);
  }
}

/** Workers without a model. */
export class WorkerProcesses implements AsyncDisposable {
  readonly #children: ChildProcess[];
  readonly #done: number[];

  constructor({ connectionString, redisUrl }: Servers, count: number) {
    this.#done = Array.from({ length: count }, () => 0);
    this.#children = this.#done.map((_, index) => {
      const child = fork(file("worker-process.ts"), [connectionString, redisUrl]);
      child.on("message", ({ done }: { done: number }) => {
        this.#done[index] = done;
      });
      return child;
    });
  }

  cpuSeconds(): number {
    return this.#children.reduce((sum, { pid = 0 }) => sum + cpuSecondsOf(pid), 0);
  }

  /** Number of chunks that all of them have embedded. */
  get done(): number {
    const ended = this.#children.find(({ exitCode }) => exitCode !== null && exitCode !== 0);
    if (ended !== undefined) throw new Error(`A worker ended with ${ended.exitCode}`);
    return this.#done.reduce((sum, done) => sum + done, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(stop));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
