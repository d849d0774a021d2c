import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { backoffMs, ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceResult, InferenceSettings } from "./inference-messages.ts";

/**
 * Pauses before a restart when children die in a row without having run anything. The first restart is immediate; finding
 * a text that kills its child in a batch of 64 takes about seven more deaths.
 */
const restartPauses = { leastMs: 100, mostMs: 10_000 };
/**
 * Longer than any run or any loading of a model takes: 8,192 tokens of BGE-M3 are 15 TFLOP, on one slow core a quarter of
 * an hour. A child that is silent for longer is stopped, swapped out for good, or hangs in its driver.
 */
const noAnswerAtMostMs = 30 * 60_000;
const childFile = fileURLToPath(new URL("./inference-child.ts", import.meta.url));

/** Runs the model in a child process. It is started when it is needed, and again after it has died. */
export class InferenceProcess implements AsyncDisposable {
  readonly #settings: InferenceSettings;
  readonly #onRestart: () => void;
  readonly #noAnswerAtMostMs: number;
  #child: InferenceChild | undefined;
  #started = 0;
  /** Deaths in a row, without a completed run in between. */
  #deaths = 0;
  #pause: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(settings: InferenceSettings, onRestart: () => void = () => {}, answerWithinMs = noAnswerAtMostMs) {
    this.#settings = settings;
    this.#onRestart = onRestart;
    this.#noAnswerAtMostMs = answerWithinMs;
  }

  /**
   * Runs the model, one run after another, and returns the vectors of the texts, concatenated.
   * @throws ReembedError `inference_died` if the child dies in this run (not if it dies while this run waits);
   * `inference_hung` if it does not answer for half an hour;
   * `out_of_memory` or `inference_failed` if the run fails; `model_unusable` or `device_unavailable` if the model cannot be
   * loaded or is not the expected one.
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

  /** Starts the first child early, so that it loads the model while texts are tokenised. Later ones start on demand. */
  prepare(): void {
    if (this.#started === 0) this.#child = this.#start();
  }

  /** @throws ReembedError `inference_died` if it is closed. */
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
    const onEnd = () => {
      this.#child = undefined;
      this.#deaths++;
    };
    return new InferenceChild(this.#settings, onEnd, this.#noAnswerAtMostMs);
  }

  /** Rejects the runs in flight: waiting for a long one would take up to half a minute, and nobody needs its result. */
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
  /** Runs in order. The first one is in the model; on a GPU the second one is too. */
  readonly #runs = new Map<number, PromiseWithResolvers<InferenceResult | undefined>>();
  readonly #onEnd: () => void;
  /** Runs while a message of the child is expected, and restarts with each of its messages. */
  readonly #noAnswer: NodeJS.Timeout;
  #isReady = false;
  #lastId = 0;
  /** Why the child ends, if that is known before it does. */
  #reason: ReembedError | undefined;

  constructor(settings: InferenceSettings, onEnd: () => void, noAnswerAtMostMs: number) {
    this.#settings = settings;
    this.#onEnd = onEnd;
    this.#noAnswer = setTimeout(() => {
      if (this.#expectsAnswer) this.#kill(hung(noAnswerAtMostMs));
    }, noAnswerAtMostMs);
    // If the child ends before anything runs, no caller waits for it. The next run starts another child and gets its error.
    this.#ready.promise.catch(() => undefined);
    this.#process = fork(childFile, [JSON.stringify(settings)], {
      serialization: "advanced",
      execArgv: [],
      // Output of native code must not mix with the output of a command.
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#process.on("message", (reply: InferenceReply) => this.#receive(reply));
    this.#process.on("exit", (exitCode, signal) => {
      this.#settle(died(signal === null ? `exit code ${exitCode}` : `signal ${signal}`));
    });
    // A process that could not be started emits no "exit".
    this.#process.on("error", (error) => {
      if (this.#process.pid === undefined) this.#settle(died(error.message));
    });
  }

  get #expectsAnswer(): boolean {
    return !this.#isReady || this.#runs.size > 0;
  }

  /** Undefined if the child ended before this run began. */
  async run(request: Omit<InferenceRequest, "id">): Promise<InferenceResult | undefined> {
    await this.#ready.promise;
    if (this.#runs.size === 0) this.#noAnswer.refresh();
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
    this.#noAnswer.refresh();
    if (reply.kind === "ready") {
      this.#isReady = true;
      this.#ready.resolve();
    } else if (reply.kind === "refused") this.#kill(refused(this.#settings, reply));
    else {
      const run = this.#runs.get(reply.id);
      this.#runs.delete(reply.id);
      if (reply.kind === "done") run?.resolve(reply);
      else run?.reject(this.#failureOf(reply));
    }
  }

  /** A device that has failed also ends the child, so that it is the reason for which the other thread's run fails. */
  #failureOf({ code, message }: { code: string; message: string }): ReembedError {
    const failure = new ReembedError(code, `The model failed: ${message}`);
    if (code === "device_failed") this.#reason ??= failure;
    return failure;
  }

  #kill(reason: ReembedError): void {
    this.#reason ??= reason;
    this.#process.kill("SIGKILL");
  }

  /** Called after the end: callers that hear of it find no process, and their next run starts another. */
  #settle(reason: ReembedError): void {
    clearTimeout(this.#noAnswer);
    this.#onEnd();
    const error = this.#reason ?? reason;
    this.#ready.reject(error);
    // A waiting run did not kill the child. On a GPU the second run may have: only the first is rejected, then repeated.
    const [inModel, ...waiting] = this.#runs.values();
    inModel?.reject(error);
    for (const run of waiting) run.resolve(undefined);
    this.#ended.resolve();
  }
}

function died(why: string): ReembedError {
  return new ReembedError("inference_died", `The inference process ended: ${why}`);
}

function hung(noAnswerMs: number): ReembedError {
  const seconds = noAnswerMs / 1_000;
  return new ReembedError("inference_hung", `The inference process did not answer for ${seconds} s, and was ended.`);
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
