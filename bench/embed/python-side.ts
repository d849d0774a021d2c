import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { messageOf } from "@reembed/core";
import { unitVector } from "@reembed/embedder/onnx";
import { Tokenizer } from "@reembed/embedder/tokenizer";
import type { TextOfLength } from "./mixed-texts.ts";
import { paddingOf } from "./pipeline-side.ts";
import type { RandomModel } from "./random-model.ts";
import { measureRun, type Side } from "./run.ts";

interface PythonKind {
  title: string;
  /** What side.py loads. */
  side: string;
  /** What it imports, also to be prepared. */
  modules: readonly string[];
  /** What prepare.py makes for it, if anything. */
  prepared?: string;
  /** Number of texts per call. */
  batch: number;
}

const torch = { modules: ["onnx", "safetensors", "sentence_transformers"], prepared: "torch" };
const nncf = ["openvino", "nncf"];

/** Batches of 8 as in transformers.js; one by one there is no padding. */
const kinds: readonly PythonKind[] = [
  { title: "sentence-transformers, one by one", side: "torch-float32", ...torch, batch: 1 },
  { title: "sentence-transformers, batches of 8", side: "torch-float32", ...torch, batch: 8 },
  { title: "the same in bfloat16, one by one", side: "torch-bfloat16", ...torch, batch: 1 },
  { title: "the same in bfloat16, batches of 8", side: "torch-bfloat16", ...torch, batch: 8 },
  { title: "ONNX Runtime, exported graph", side: "onnx-float32", modules: ["onnxruntime"], batch: 1 },
  {
    title: "ONNX Runtime, dynamic int8",
    side: "onnx-int8",
    modules: ["onnx", "onnxruntime"],
    prepared: "onnx-int8",
    batch: 1,
  },
  { title: "OpenVINO", side: "openvino", modules: ["openvino", "transformers"], prepared: "openvino", batch: 1 },
  {
    title: "OpenVINO, int8 weights",
    side: "openvino-weights-int8",
    modules: nncf,
    prepared: "openvino-weights-int8",
    batch: 1,
  },
  { title: "OpenVINO, int8", side: "openvino-int8", modules: nncf, prepared: "openvino-int8", batch: 1 },
];

const run = promisify(execFile);
const script = (name: string) => join(import.meta.dirname, "python", name);

/**
 * What people run in Python, with the same weights: those sides whose libraries this Python has. The others are named on
 * stderr with the reason.
 */
export async function pythonSides(python: string, model: RandomModel, threads: number): Promise<Record<string, Side>> {
  const sides: Record<string, Side> = {};
  for (const kind of kinds) {
    try {
      await run(python, [script("find.py"), ...kind.modules]);
      // The first makes the weights of the others.
      if (kind.prepared !== undefined) await run(python, [script("prepare.py"), kind.prepared, model.folder]);
      sides[`${kind.side}-${kind.batch}`] = pythonSide(python, model, { ...kind, threads });
    } catch (error) {
      console.error(`Without ${kind.title}: ${messageOf(error).trim().split("\n").at(-1)}`);
    }
  }
  return sides;
}

function pythonSide(
  python: string,
  { folder }: RandomModel,
  { title, side, batch, threads }: PythonKind & { threads: number },
): Side {
  return {
    title,
    async run(texts) {
      const args = [script("side.py"), side, folder, `${batch}`, `${threads}`];
      const child = spawn(python, args, { stdio: ["pipe", "pipe", "inherit"] });
      const closed = once(child, "close");
      try {
        const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
        await answerOf(answers, title);
        const ask = async <Answer>(request: object) => {
          child.stdin.write(`${JSON.stringify(request)}\n`);
          return await answerOf<Answer>(answers, title);
        };
        const contents = texts.map(({ text }) => text);
        const measured = await measureRun([child.pid ?? 0], async () =>
          vectorsOf(await ask<string>({ embed: contents }), texts.length),
        );
        await refuseOtherTokens(folder, contents, await ask({ tokenize: contents }), title);
        return { ...measured, padding: paddingOf(lengthsInBatches(texts, side), batch) };
      } finally {
        child.kill("SIGKILL");
        await closed;
      }
    },
  };
}

/** sentence-transformers sorts texts by length first, so that its batches have less padding. */
function lengthsInBatches(texts: readonly TextOfLength[], side: string): number[] {
  const lengths = texts.map(({ tokens }) => tokens);
  return side.startsWith("torch") ? lengths.sort((a, b) => b - a) : lengths;
}

async function answerOf<Answer>(answers: AsyncIterator<string>, title: string): Promise<Answer> {
  const { done, value } = await answers.next();
  if (done) throw new Error(`${title} ended; its reason is above`);
  return JSON.parse(value) as Answer;
}

/** Vectors of length 1: those of a model in bfloat16 have one that is rounded, too. */
function vectorsOf(base64: string, texts: number): Float32Array[] {
  const bytes = Buffer.from(base64, "base64");
  const values = new Float32Array(new Uint8Array(bytes).buffer);
  const width = values.length / texts;
  return Array.from({ length: texts }, (_, text) => {
    const vector = unitVector(values.subarray(text * width, (text + 1) * width), width);
    if (vector === undefined) throw new Error(`The vector of text ${text} has no length`);
    return vector;
  });
}

/** @throws Error if Python's tokenizer reads other tokens, so that the sides would not do the same work. */
async function refuseOtherTokens(folder: string, texts: string[], ids: number[][], title: string): Promise<void> {
  await using tokenizer = new Tokenizer(folder, 8_192);
  const answers = await tokenizer.tokenize(texts);
  for (const [index, answer] of answers.entries()) {
    const own = "failure" in answer ? [] : Array.from(answer.ids, Number);
    if (own.join() !== ids[index]?.join()) throw new Error(`${title} reads other tokens in text ${index} than we do`);
  }
}
