import { type Embedder, embedOne } from "@reembed/embedder";
import { openOnnxEmbedder } from "@reembed/embedder/builder";
import { watchChildren } from "@reembed/testing";
import type { TextOfLength } from "./mixed-texts.ts";
import type { GraphKind, RandomModel } from "./random-model.ts";
import { measureRun, type Side } from "./run.ts";

const titles: Readonly<Record<GraphKind, string>> = {
  exported: "our engine, exported graph",
  fp32: "our engine, prepared fp32",
  int8: "our engine, prepared int8",
};

/** The embedder that workers have, with one of the model's graphs. */
export function engineSide({ model, folder, graph }: RandomModel, kind: GraphKind): Side {
  return {
    title: titles[kind],
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
      await using embedder = openOnnxEmbedder({ model, folder, graph: graph(kind), prepared, device: "cpu", observer });
      await embedOne(embedder);
      const pid = watch.children[0]?.pid;
      if (pid === undefined) throw new Error("The embedder started no process");
      const run = await measureRun(pid, () => embedAll(embedder, texts));
      return { ...run, padding };
    },
  };
}

async function embedAll(embedder: Embedder, texts: readonly TextOfLength[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for await (const outcomes of embedder.embed(texts.map(({ text }) => text))) {
    for (const outcome of outcomes) {
      if ("rejected" in outcome) throw new Error(`Text ${outcome.index} was rejected: ${outcome.detail}`);
      vectors[outcome.index] = outcome.vector;
    }
  }
  return vectors;
}
