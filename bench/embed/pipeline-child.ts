import { basename, dirname } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import type { PipelineReply, PipelineRequest } from "./pipeline-messages.ts";

// A process of its own, so that its memory and time can be measured separately.
process.on("message", async ({ folder, texts, batch, threads }: PipelineRequest) => {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const extract = await pipeline("feature-extraction", basename(folder), {
    dtype: "fp32",
    session_options: { intraOpNumThreads: threads },
  });
  const embed = (batch: string[]) => extract(batch, { pooling: "cls", normalize: true });
  await embed(["Reembed"]);
  reply("ready");

  const vectors: Float32Array[] = [];
  for (let start = 0; start < texts.length; start += batch) {
    const { data, dims } = await embed(texts.slice(start, start + batch));
    const [rows = 0, width = 0] = dims;
    for (let row = 0; row < rows; row++) vectors.push((data as Float32Array).slice(row * width, (row + 1) * width));
  }
  reply(vectors);
});

function reply(message: PipelineReply): void {
  process.send?.(message);
}
