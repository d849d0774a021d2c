import { setImmediate } from "node:timers/promises";
import {
  encodePoisonGraph,
  encodeSlowGraph,
  poisonDimensions,
  slowDimensions,
  type TemporaryModel,
  waitFor,
  watchChildren,
  writeTemporaryModel,
} from "@reembed/testing";
import { embedAll, vectorsOf } from "@reembed/testing/embedders";
import { encodeGreedyGraph, encodeTokenGraph, greedyDimensions, tokenDimensions } from "@reembed/testing/models";
import { describe, expect, test } from "vitest";
import type { EmbedderObserver } from "../embedder.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { InferenceReply } from "./inference-messages.ts";
import { startOnnxEmbedder } from "./onnx-embedder.ts";

type Run = Parameters<EmbedderObserver["ran"]>[0];

describe("on a CPU", () => {
  test("a text that is given several times is embedded once, and every place gets the vector", async () => {
    await using temporary = await writeModel(encodeTokenGraph(), tokenDimensions);
    const observed = observe();
    await using embedder = await start(temporary, { observed });
    const [leave, salary, again, longer] = await vectorsOf(embedder, [
      "отпуск",
      "зарплата",
      "отпуск",
      "отпуск и отпуск",
    ]);
    expect(again).toEqual(leave);
    expect(salary).not.toEqual(leave);
    expect(longer).not.toEqual(leave);
    expect(sum(observed.runs, "texts")).toBe(3);
  });

  test("only texts of equal length share a run, up to the budget, and nothing is padded", async () => {
    await using temporary = await writeModel(encodeTokenGraph(), tokenDimensions);
    const observed = observe();
    await using embedder = await start(temporary, { observed, tokenBudget: 12 });
    expect(await embedAll(embedder, [...wordsOf(4, 3), ...wordsOf(1, 1)])).toHaveLength(4);
    expect(observed.runs.map(({ texts, tokens }) => ({ texts, tokens }))).toEqual([
      { texts: 2, tokens: 12 },
      { texts: 1, tokens: 6 },
      { texts: 1, tokens: 3 },
    ]);
    expect(sum(observed.runs, "padding")).toBe(0);
  });
});

describe("out of memory", () => {
  test("the budget is halved for good, and every text is embedded", async () => {
    await using roomy = await writeModel(encodeGreedyGraph(1_000), greedyDimensions);
    await using narrow = await writeModel(encodeGreedyGraph(10), greedyDimensions);
    const observed = observe();
    const { runs, budgets } = observed;
    await using embedder = await start(narrow, { observed, tokenBudget: 64 });
    await using expected = await start(roomy, { tokenBudget: 64 });
    const texts = wordsOf(2, 16);

    expect(await vectorsOf(embedder, texts)).toEqual(await vectorsOf(expected, texts));
    expect(budgets).toEqual([64, 32, 16, 8]);
    expect(Math.max(...runs.map(({ tokens }) => tokens))).toBe(8);
    runs.length = 0;
    expect(await embedAll(embedder, texts)).toHaveLength(16);
    expect(budgets).toEqual([64, 32, 16, 8]);
    expect(runs.map((run) => run.texts)).toEqual(Array(8).fill(2));
  });

  test("a single text fails as out_of_memory, and the budget stays", async () => {
    await using temporary = await writeModel(encodeGreedyGraph(20), greedyDimensions);
    const observed = observe();
    await using embedder = await start(temporary, { observed, tokenBudget: 16 });
    await expect(embedAll(embedder, wordsOf(30, 1))).rejects.toMatchObject({
      code: "out_of_memory",
      message: expect.stringMatching(/^The model failed: /),
    });
    expect(observed.budgets).toEqual([16]);
    expect(await embedAll(embedder, wordsOf(4, 2))).toHaveLength(2);
  });
});

describe("of the runs of one call", () => {
  test("one waits in the child while another one is in the model, and never more than one", async () => {
    using watch = watchChildren();
    await using temporary = await writeModel(encodeSlowGraph(), slowDimensions);
    await using embedder = await start(temporary);
    const events: string[] = [];
    const [child] = watch.children;
    if (child === undefined) throw new TypeError("No child was started");
    const send = child.send.bind(child) as (...args: unknown[]) => boolean;
    child.send = (...args: unknown[]) => send(...args) && events.push("sent") > 0;
    child.prependListener("message", () => events.push("answered"));
    const texts = [5, 4, 3, 2].flatMap((words) => wordsOf(words * 10, 1));
    expect(await embedAll(embedder, texts)).toHaveLength(4);
    expect(events).toEqual(["sent", "sent", "answered", "sent", "answered", "sent", "answered", "answered"]);
  });

  test("a failed one does not lose the outcomes of those before it", async () => {
    await using temporary = await writePoisonModel("отпуск");
    await using embedder = await start(temporary);
    const seen: number[] = [];
    const call = (async () => {
      for await (const outcomes of embedder.embed(["отпуск", "день ".repeat(9), "день ".repeat(5)], {
        as: "passage",
      })) {
        seen.push(...outcomes.map(({ index }) => index));
      }
    })();
    await expect(call).rejects.toMatchObject({ code: "out_of_memory" });
    expect(seen).toEqual([1, 2]);
    expect(await embedAll(embedder, ["день"])).toHaveLength(1);
  });

  test("one that fails after its caller has stopped, or after another failure, causes no unhandled rejection", async () => {
    using watch = watchChildren();
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", listen);
    await using scope = new AsyncDisposableStack();
    scope.defer(() => void process.off("unhandledRejection", listen));
    const temporary = scope.use(await writePoisonModel("отпуск"));
    const embedder = scope.use(await start(temporary));
    let failures = 0;
    watch.children[0]?.on("message", (reply: InferenceReply) => {
      if (reply.kind === "failed") failures++;
    });

    for await (const [outcome] of embedder.embed(["день ".repeat(9), "отпуск"], { as: "passage" })) {
      expect(outcome?.index).toBe(0);
      break;
    }
    await waitFor("the run that nobody waits for", () => failures === 1);
    await expect(embedAll(embedder, ["отпуск", "отпуск отпуск"])).rejects.toMatchObject({ code: "out_of_memory" });
    await waitFor("the second failure", () => failures === 3);
    await setImmediate();
    expect(unhandled).toEqual([]);
  });
});

/** Different texts of `words` words each. Each word is one token, and each text has two special tokens. */
function wordsOf(words: number, texts: number): string[] {
  const different = ["отпуск", "зарплата", "приказ", "болезнь", "день"];
  return Array.from({ length: texts }, (_, text) =>
    Array.from({ length: words }, (_, word) => different[Math.floor(text / 5 ** word) % 5]).join(" "),
  );
}

type Observed = ReturnType<typeof observe>;

function observe() {
  const runs: Run[] = [];
  const budgets: number[] = [];
  const observer: EmbedderObserver = {
    tokenised() {},
    budgeted: (tokens) => void budgets.push(tokens),
    ran: (run) => void runs.push(run),
    restarted() {},
  };
  return { runs, budgets, observer };
}

async function start(temporary: TemporaryModel, options: { observed?: Observed; tokenBudget?: number } = {}) {
  const { observed, tokenBudget = 512 } = options;
  const embedder = await startOnnxEmbedder({ ...temporary, device: "cpu", tokenBudget, observer: observed?.observer });
  // The start embeds a text of its own, which does not count.
  observed?.runs.splice(0);
  return embedder;
}

async function writeModel(graph: Uint8Array, dimensions: number): Promise<TemporaryModel> {
  return await writeTemporaryModel(graph, "mini-rubert", { dimensions, pooling: "mean" });
}

async function writePoisonModel(word: string): Promise<TemporaryModel> {
  await using probe = await writeModel(encodePoisonGraph(-1), poisonDimensions);
  await using tokenizer = new Tokenizer(probe.folder, 512);
  const [answer] = await tokenizer.tokenize([word]);
  if (answer === undefined || "failure" in answer) throw new TypeError(`${word} has no token`);
  return await writeModel(encodePoisonGraph(answer.ids[1] ?? -1), poisonDimensions);
}

function sum(runs: readonly Run[], what: "texts" | "padding"): number {
  return runs.reduce((total, run) => total + run[what], 0);
}
