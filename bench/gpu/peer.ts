import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RandomModel } from "../embed/random-model.ts";

export interface PeerRun {
  seconds: number;
  /** Peak of PyTorch's memory since its start. */
  peakMemoryMiB: number;
}

/** Its own description: versions, kind of attention, and the GPU's rate as PyTorch measures it. */
export interface PeerAbout {
  torch: string;
  sentenceTransformers: string;
  attention: string;
  matrixTflops?: number;
}

const script = join(import.meta.dirname, "sentence_transformers_side.py");

/** sentence-transformers in float16 on the same GPU, in a process of its own that keeps its model. */
export class Peer implements AsyncDisposable {
  readonly about: PeerAbout;
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(process: ChildProcess, answers: AsyncIterator<string>, folder: string, about: PeerAbout) {
    this.#process = process;
    this.#answers = answers;
    this.#folder = folder;
    this.about = about;
  }

  static async start(python: string, { folder }: RandomModel, device = "cuda"): Promise<Peer> {
    const work = await mkdtemp(join(tmpdir(), "reembed-peer-"));
    const peer = spawn(python, [script, folder, work, device], { stdio: ["pipe", "pipe", "inherit"] });
    const answers = createInterface(peer.stdout)[Symbol.asyncIterator]();
    return new Peer(peer, answers, work, await readAnswer<PeerAbout>(answers));
  }

  /** Embeds the texts, each truncated to `maxTokens`. */
  async run(request: { texts: readonly string[]; maxTokens: number; batch: number }): Promise<PeerRun> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    return await readAnswer(this.#answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function readAnswer<Answer>(answers: AsyncIterator<string>): Promise<Answer> {
  const { done, value } = await answers.next();
  if (done) throw new Error("sentence-transformers ended; its reason is above");
  return JSON.parse(value) as Answer;
}
