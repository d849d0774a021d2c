import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";

const childFile = fileURLToPath(new URL("./inference-child.ts", import.meta.url));

interface Waiting {
  resolve: (vectors: Float32Array) => void;
  reject: (error: Error) => void;
}

/** The child process that runs the model, one run after another. It is started again when it has died. */
export class InferenceProcess implements AsyncDisposable {
  readonly #settings: InferenceSettings;
  #child: Promise<ChildProcess> | undefined;
  #closing = false;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(settings: InferenceSettings) {
    this.#settings = settings;
  }

  /**
   * Runs the model and returns the texts' vectors, one after another.
   * @throws ReembedError `inference_died` when the child ends meanwhile, `inference_failed` when the run fails, and the
   * child's own code when it cannot load the model.
   */
  async run(request: Omit<InferenceRequest, "id">): Promise<Float32Array> {
    const child = await this.#start();
    const id = ++this.#lastId;
    return await new Promise<Float32Array>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send({ id, ...request } satisfies InferenceRequest, (error) => {
        if (error !== null) this.#settle(id)?.reject(died(error.message));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    const child = await this.#child?.catch(() => undefined);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    if (child.connected) child.disconnect();
    await ended;
  }

  #start(): Promise<ChildProcess> {
    if (this.#closing) return Promise.reject(died("it is being closed"));
    this.#child ??= this.#fork().catch((error: unknown) => {
      this.#child = undefined;
      throw error;
    });
    return this.#child;
  }

  async #fork(): Promise<ChildProcess> {
    const child = fork(childFile, [JSON.stringify(this.#settings)], { serialization: "advanced", execArgv: [] });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    child.on("message", (reply: InferenceReply) => {
      if (reply.kind === "ready") resolve();
      else if (reply.kind === "refused") reject(refused(this.#settings, reply));
      else if (reply.kind === "done") this.#settle(reply.id)?.resolve(reply.vectors);
      else this.#settle(reply.id)?.reject(new ReembedError("inference_failed", `The model failed: ${reply.message}`));
    });
    child.on("error", reject);
    child.on("exit", (exitCode, signal) => {
      this.#child = undefined;
      const error = died(signal === null ? `exit code ${exitCode}` : `signal ${signal}`);
      reject(error);
      for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
    });
    await ready;
    return child;
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

function died(why: string): ReembedError {
  return new ReembedError("inference_died", `The inference process ended: ${why}`);
}

function refused({ device }: InferenceSettings, { code, message }: { code: string; message: string }): ReembedError {
  if (device === "cpu") return new ReembedError(code, message);
  return new ReembedError("device_unavailable", `The device ${device} cannot be used: ${message}`, {
    exitCode: 2,
    remedy: device === "cuda" ? "CUDA needs its own files: see the GPU section of the README." : "Use --device cpu.",
  });
}
