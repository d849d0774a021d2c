import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { PipelineReply, PipelineRequest } from "./pipeline-messages.ts";
import type { RandomModel } from "./random-model.ts";
import { measureRun, type Side } from "./run.ts";

const childFile = new URL("./pipeline-child.ts", import.meta.url);

/** The pipeline of transformers.js, called with `batch` texts at a time, in order of arrival. */
export function pipelineSide({ folder }: RandomModel, { batch, threads }: { batch: number; threads: number }): Side {
  return {
    title: batch === 1 ? "transformers.js, one by one" : `transformers.js, batches of ${batch}`,
    async run(texts) {
      const child = fork(childFile, { serialization: "advanced", execArgv: [], stdio: ["ignore", 2, 2, "ipc"] });
      try {
        const request: PipelineRequest = { folder, texts: texts.map(({ text }) => text), batch, threads };
        child.send(request);
        await replyOf(child);
        const run = await measureRun([child.pid ?? 0], async () => (await replyOf(child)) as Float32Array[]);
        const lengths = texts.map(({ tokens }) => tokens);
        return { ...run, padding: paddingOf(lengths, batch) };
      } finally {
        child.kill("SIGKILL");
      }
    },
  };
}

async function replyOf(child: ChildProcess): Promise<PipelineReply> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const ended = once(child, "exit", { signal }).then(([code]) => new Error(`transformers.js ended: ${code}`));
    const first = await Promise.race([once(child, "message", { signal }), ended]);
    if (first instanceof Error) throw first;
    return first[0] as PipelineReply;
  } finally {
    over.abort();
  }
}

/** Tokens of padding if each batch is padded to its longest text. */
export function paddingOf(lengths: readonly number[], batch: number): number {
  let padding = 0;
  for (let start = 0; start < lengths.length; start += batch) {
    const together = lengths.slice(start, start + batch);
    padding += Math.max(...together) * together.length - together.reduce((sum, length) => sum + length, 0);
  }
  return padding;
}
