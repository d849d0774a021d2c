import { type Embedder, tryEmbedding } from "@reembed/embedder";
import { openOnnxEmbedder } from "@reembed/embedder/onnx";
import { watchChildren } from "@reembed/testing";
import type { TextOfLength } from "./mixed-texts.ts";
import type { GraphKind, RandomModel } from "./random-model.ts";
import { measureRun, type Side } from "./run.ts";

const titles = {
  exported: "our engine, exported graph",
  fp32: "our engine, prepared fp32",
  int8: "our engine, prepared int8",
} as const satisfies Partial<Record<GraphKind, string>>;

/**
 * The embedder of workers, with one of the model's graphs.
 * @param options Threads of each process, and the number of processes that share the texts, as with `reembed worker
 *   --processes`.
 */
export function engineSide(
  { model, folder, graph }: RandomModel,
  kind: keyof typeof titles,
  { threads, processes = 1 }: { threads: number; processes?: number },
): Side {
  return {
    title: processes === 1 ? titles[kind] : `prepared ${kind}, ${processes} processes`,
    async run(texts) {
      let padding = 0;
      const observer = {
        ran(run: { padding: number }) {
          padding += run.padding;
        },
        tokenised() {},
        restarted() {},
        budgeted() {},
      };
      const prepared = kind !== "exported";
      using watch = watchChildren();
      await using scope = new AsyncDisposableStack();
      const options = { model, folder, graph: graph(kind), prepared, device: "cpu", threads, observer };
      const embedders = Array.from({ length: processes }, () => scope.use(openOnnxEmbedder(options)));
      for (const embedder of embedders) await tryEmbedding(embedder);
      const pids = watch.children.flatMap(({ pid }) => pid ?? []);
      if (pids.length !== processes) throw new Error(`${pids.length} processes were started instead of ${processes}`);
      const run = await measureRun(pids, () => embedShared(embedders, texts));
      return { ...run, padding };
    },
  };
}

/** Each process takes the next batch when it is free, as workers do. Few batches, the longest first, end at the same time. */
async function embedShared(embedders: readonly Embedder[], texts: readonly TextOfLength[]): Promise<Float32Array[]> {
  const [only] = embedders;
  if (embedders.length === 1 && only !== undefined) return await embedAll(only, texts);
  const vectors: Float32Array[] = [];
  const waiting = [...texts.entries()].sort(([, a], [, b]) => a.tokens - b.tokens);
  await Promise.all(
    embedders.map(async (embedder) => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [vector] = await embedAll(embedder, [next[1]]);
        if (vector !== undefined) vectors[next[0]] = vector;
      }
    }),
  );
  return vectors;
}

async function embedAll(embedder: Embedder, texts: readonly TextOfLength[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const outcomes of embedder.embed(
    texts.map(({ text }) => text),
    { as: "passage" },
  )) {
    for (const outcome of outcomes) {
      if ("rejected" in outcome) throw new Error(`Text ${outcome.index} was rejected: ${outcome.detail}`);
      vectors[outcome.index] = outcome.vector;
    }
  }
  return vectors;
}
