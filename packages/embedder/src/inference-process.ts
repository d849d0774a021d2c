import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { backoffMs, ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceResult, InferenceSettings } from "./inference-messages.ts";

/**
 * Between the deaths of children that ran nothing in between. The first is started again at once; a text that kills its
 * child is looked for with some seven more deaths among a batch of 64.
 */
const restartPauses = { leastMs: 100, mostMs: 10_000 };
const childFile = fileURLToPath(new URL("./inference-child.ts", import.meta.url));

/** Runs the model in a child process, which is started when it is needed and again when it has died. */
export class InferenceProcess implements AsyncDisposable {
  readonly #settings: InferenceSettings;
  readonly #onRestart: () => void;
  #child: InferenceChild | undefined;
  #started = 0;
  /** In a row, without a run that was done. */
  #deaths = 0;
  #pause: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(settings: InferenceSettings, onRestart: () => void = () => {}) {
    this.#settings = settings;
    this.#onRestart = onRestart;
  }

  /**
   * Runs the model, one run after another, and returns the texts' vectors, one after another.
   * @throws ReembedError `inference_died` when the child ends in this run, and not in one before its turn;
   * `out_of_memory` or `inference_failed` when the run fails; `model_unusable` or `device_unavailable` when the model cannot be loaded or
   * is another than was expected.
   */
  async run(request: Omit<InferenceRequest, "id">): Promise<InferenceResult> {
    for (;;) {
      if (this.#child === undefined && this.#deaths > 1) {
        this.#pause ??= this.#waitToStart();
        await this.#pause;
      }
      this.assertOpen();
      this.#child ??= this.#start();
      const result = await this.#child.run(request);
      if (result === undefined) continue;
      this.#deaths = 0;
      return result;
    }
  }

  /** Starts the first child, so that it loads the model while texts are tokenised. Later ones start when they are needed. */
  prepare(): void {
    if (this.#started === 0) this.#child = this.#start();
  }

  /** @throws ReembedError `inference_died` when it was closed. */
  assertOpen(): void {
    if (this.#closing.signal.aborted) throw died("it was closed");
  }

  async #waitToStart(): Promise<void> {
    const { signal } = this.#closing;
    await delay(backoffMs(this.#deaths - 1, restartPauses), undefined, { signal }).catch(() => undefined);
  }

  #start(): InferenceChild {
    this.#pause = undefined;
    if (this.#started++ > 0) this.#onRestart();
    return new InferenceChild(this.#settings, () => {
      this.#child = undefined;
      this.#deaths++;
    });
  }

  /** Runs in flight are rejected: a long one would hold its caller up for half a minute, and for nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#child?.end();
  }
}

/** One child process, from its start to its end. */
class InferenceChild {
  readonly #settings: InferenceSettings;
  readonly #process: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  /** In the order of their turns: the first is in the model, and on a GPU the second too. */
  readonly #runs = new Map<number, PromiseWithResolvers<InferenceResult | undefined>>();
  readonly #onEnd: () => void;
  #lastId = 0;
  /** Why it ends, where that is known beforehand. */
  #reason: ReembedError | undefined;

  constructor(settings: InferenceSettings, onEnd: () => void) {
    this.#settings = settings;
    this.#onEnd = onEnd;
    // A child that ends before anything is run has nobody to tell: the next run starts another, and hears of that one.
    this.#ready.promise.catch(() => undefined);
    this.#process = fork(childFile, [JSON.stringify(settings)], {
      serialization: "advanced",
      execArgv: [],
      // What native code prints must not get among the lines of a command's output.
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#process.on("message", (reply: InferenceReply) => this.#receive(reply));
    this.#process.on("exit", (exitCode, signal) => {
      this.#settle(died(signal === null ? `exit code ${exitCode}` : `signal ${signal}`));
    });
    // A process that could not be started has no exit.
    this.#process.on("error", (error) => {
      if (this.#process.pid === undefined) this.#settle(died(error.message));
    });
  }

  /** Undefined when the child ended before it was this run's turn. */
  async run(request: Omit<InferenceRequest, "id">): Promise<InferenceResult | undefined> {
    await this.#ready.promise;
    const id = ++this.#lastId;
    const run = Promise.withResolvers<InferenceResult | undefined>();
    this.#runs.set(id, run);
    this.#process.send({ id, ...request } satisfies InferenceRequest, (error) => {
      if (error === null) return;
      this.#runs.delete(id);
      void this.#ended.promise.then(() => run.resolve(undefined));
    });
    return await run.promise;
  }

  async end(): Promise<void> {
    this.#kill(died("it was closed"));
    await this.#ended.promise;
  }

  #receive(reply: InferenceReply): void {
    if (reply.kind === "ready") this.#ready.resolve();
    else if (reply.kind === "refused") this.#kill(refused(this.#settings, reply));
    else {
      const run = this.#runs.get(reply.id);
      this.#runs.delete(reply.id);
      if (reply.kind === "done") run?.resolve(reply);
      else run?.reject(new ReembedError(reply.code, `The model failed: ${reply.message}`));
    }
  }

  #kill(reason: ReembedError): void {
    this.#reason ??= reason;
    this.#process.kill("SIGKILL");
  }

  /** After the end: whoever is told of it finds no process, and the next run starts another. */
  #settle(reason: ReembedError): void {
    this.#onEnd();
    const error = this.#reason ?? reason;
    this.#ready.reject(error);
    // Whoever waits for its turn has killed nothing. On a GPU the second may have: the first is told, and repeated.
    const [inModel, ...waiting] = this.#runs.values();
    inModel?.reject(error);
    for (const run of waiting) run.resolve(undefined);
    this.#ended.resolve();
  }
}

function died(why: string): ReembedError {
  return new ReembedError("inference_died", `The inference process ended: ${why}`);
}

function refused({ device }: InferenceSettings, { code, message }: { code: string; message: string }): ReembedError {
  if (code !== "device_unavailable") return new ReembedError(code, message);
  return new ReembedError(code, `The device ${device} cannot be used: ${message}`, {
    exitCode: 2,
    remedy: device.startsWith("cuda")
      ? "CUDA needs its own files: docs/fleet.md says how to install them."
      : "Use --device cpu.",
  });
}
