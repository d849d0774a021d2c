import { setImmediate } from "node:timers/promises";
import { models, ReembedError } from "@reembed/core";
import { type Embedder, startOnnxEmbedder } from "@reembed/embedder";
import {
  encodePoisonGraph,
  encodeSlowGraph,
  HashingEmbedder,
  poisonDimensions,
  slowDimensions,
  watchChildren,
  writeTemporaryModel,
} from "@reembed/testing";
import { expect, test } from "vitest";
import { embedIsolating } from "./embed-isolating.ts";

const settings = { device: "cpu", tokenBudget: 4_096 };
const texts = Array.from({ length: 32 }, (_, index) => `текст номер ${index}`);

/** The result of each text: its reason, or `embedded`. */
async function resultsOf(embedder: Embedder, of: readonly string[]): Promise<string[]> {
  const results: string[] = [];
  for await (const outcomes of embedIsolating(embedder, of)) {
    for (const outcome of outcomes) {
      expect(results[outcome.index]).toBeUndefined();
      results[outcome.index] = "rejected" in outcome ? outcome.rejected : "embedded";
    }
  }
  return results;
}

function expected(poisoned: number, reason: string): string[] {
  return texts.map((_, index) => (index === poisoned ? reason : "embedded"));
}

test("a text on which the embedder fails takes 2 log2(n) runs and its retries, and every other text gets its vector", async () => {
  const model = models.get("mini-m3");
  if (model === undefined) throw new TypeError("There is no mini-m3");
  const runs: number[] = [];
  const embedder = new HashingEmbedder({
    model,
    microBatchSize: 64,
    async beforeMicroBatch(batch) {
      runs.push(batch.length);
      if (batch.includes("poison")) throw new ReembedError("inference_failed", "The model failed");
    },
  });
  const poisoned = texts.with(13, "poison");
  expect(await resultsOf(embedder, poisoned)).toEqual(expected(13, "embedding_failed"));
  // 32, 16 + 16, 8 + 8, 4 + 4, 2 + 2, 1 + 1 and the harmless text; then twice more the text and the harmless one.
  expect(runs.length).toBeLessThanOrEqual(2 * Math.log2(texts.length) + 2 + 2 * 2);
});

test.each([
  ["inference_died", "inference_crashed"],
  ["inference_hung", "inference_hung"],
  ["out_of_memory", "out_of_memory"],
  ["inference_failed", "embedding_failed"],
])("a text on which every run ends with %s is rejected as %s", async (code, reason) => {
  const model = models.get("mini-m3");
  if (model === undefined) throw new TypeError("There is no mini-m3");
  const beforeMicroBatch = async (batch: string[]) => {
    if (batch.includes("poison")) throw new ReembedError(code, "The run failed");
  };
  const embedder = new HashingEmbedder({ model, microBatchSize: 64, beforeMicroBatch });
  expect(await resultsOf(embedder, texts.with(13, "poison"))).toEqual(expected(13, reason));
});

test("a text that needs more memory than there is is rejected as out_of_memory, with a real ONNX Runtime", async () => {
  const word = "отпуск";
  const shape = { dimensions: poisonDimensions, pooling: "mean" } as const;
  await using probe = await writeTemporaryModel(encodePoisonGraph(-1), "mini-m3", shape);
  const poisonId = await tokenIdOf(word, probe.folder);
  await using temporary = await writeTemporaryModel(encodePoisonGraph(poisonId), "mini-m3", shape);
  await using embedder = await startOnnxEmbedder({ ...temporary, ...settings });
  expect(await resultsOf(embedder, texts.with(5, `${word} и зарплата`))).toEqual(expected(5, "out_of_memory"));
});

test("a text that kills the inference process is rejected as inference_crashed, and the process is restarted", async () => {
  await using killing = await startKilling(Number.POSITIVE_INFINITY);
  const few = texts.slice(0, 8).with(3, "poison");
  expect(await resultsOf(killing.embedder, few)).toEqual(expected(3, "inference_crashed").slice(0, 8));
  // 8, 4 and 2 texts including the poison, then three times the poison alone.
  expect(killing.runs()).toBe(6);
});

test.for([1, 2])("a text is not blamed if its process is killed %s times while it is alone", async (kills) => {
  await using killing = await startKilling(kills);
  expect(await resultsOf(killing.embedder, ["poison"])).toEqual(["embedded"]);
  expect(killing.runs()).toBe(kills + 1);
});

/** An embedder whose process is killed in its first runs that include the text `poison`. */
async function startKilling(kills: number): Promise<AsyncDisposable & { embedder: Embedder; runs(): number }> {
  await using scope = new AsyncDisposableStack();
  const watch = scope.use(watchChildren());
  const shape = { dimensions: slowDimensions, pooling: "mean", maxTokens: 100_000 } as const;
  const temporary = scope.use(await writeTemporaryModel(encodeSlowGraph(), "mini-m3", shape));
  const embedder = scope.use(await startOnnxEmbedder({ ...temporary, ...settings }));
  let runs = 0;
  const killing: Embedder = {
    model: embedder.model,
    device: embedder.device,
    async *embed(batch) {
      const outcomes = embedder.embed(batch, { as: "passage" })[Symbol.asyncIterator]();
      const kill = batch.includes("poison") && ++runs <= kills;
      for (;;) {
        let settled = false;
        const next = outcomes.next();
        const settle = () => {
          settled = true;
        };
        next.then(settle, settle);
        while (kill && !settled) {
          watch.children.at(-1)?.kill("SIGKILL");
          await setImmediate();
        }
        const { done, value } = await next;
        if (done) return;
        yield value;
      }
    },
    [Symbol.asyncDispose]: () => embedder[Symbol.asyncDispose](),
  };
  const opened = scope.move();
  return { embedder: killing, runs: () => runs, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test("an embedder that fails on every text throws its error", async () => {
  const model = models.get("mini-m3");
  if (model === undefined) throw new TypeError("There is no mini-m3");
  const beforeMicroBatch = async () => Promise.reject(new ReembedError("inference_died", "The device is gone"));
  await expect(resultsOf(new HashingEmbedder({ model, beforeMicroBatch }), texts)).rejects.toThrow(
    "The device is gone",
  );
});

async function tokenIdOf(word: string, folder: string): Promise<number> {
  const { Tokenizer } = await import("@anush008/tokenizers");
  const encoding = await Tokenizer.fromFile(`${folder}/tokenizer.json`).encode(word);
  return encoding.getIds()[1] ?? -1;
}
