import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { type Model, models } from "@reembed/core";
import {
  encodeSlowGraph,
  hasEnded,
  slowDimensions,
  type TemporaryModel,
  waitFor,
  watchChildren,
  writeTemporaryModel,
} from "@reembed/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { modelFolder } from "../models/model-files.ts";
import { graphName, preparedFolder } from "../models/prepared-graph.ts";
import type { InferenceReply, InferenceSettings } from "./inference-messages.ts";
import { InferenceProcess } from "./inference-process.ts";

const miniM3 = models.get("mini-m3") as Model;
const fast: InferenceSettings = preparedSettings(modelFolder(miniM3, "unused"));
let slow: InferenceSettings;

beforeAll(async () => {
  const model = { dimensions: slowDimensions, pooling: "mean" } as const;
  const temporary = await writeTemporaryModel(encodeSlowGraph(), "mini-m3", model);
  slow = settingsOf(temporary);
  return () => temporary[Symbol.asyncDispose]();
});

describe("the inference process", () => {
  test("starts one child for concurrent calls, and answers each of them", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess(fast);
    const runs = await Promise.all([1, 2, 3].map((texts) => inference.run(request(texts, 8))));
    expect(runs.map(({ vectors }) => vectors.length)).toEqual([1024, 2048, 3072]);
    expect(watch.children).toHaveLength(1);
  });

  test("fails the run in which its child dies, and moves the waiting runs to a new child", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess(slow);
    const [first, fatal, next, last] = [1, 500, 2, 1].map((length) => inference.run(request(1, length)));
    const failed = expect(fatal).rejects.toMatchObject({ code: "inference_died" });
    await first;
    watch.children[0]?.kill("SIGKILL");
    await failed;
    expect(await Promise.all([next, last])).toMatchObject(Array(2).fill({ vectors: { length: slowDimensions } }));
    expect(watch.children).toHaveLength(2);
  });

  test("fails a run whose child dies during its start, and the next run starts a new child", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess(fast);
    const run = inference.run(request(1, 8));
    watch.children[0]?.kill("SIGKILL");
    await expect(run).rejects.toMatchObject({ code: "inference_died", message: expect.stringContaining("SIGKILL") });
    expect((await inference.run(request(1, 8))).vectors).toHaveLength(1024);
  });

  test("if a child refuses, it has ended before its runs fail, and the next run starts a new child", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess({ ...fast, folder: "/nowhere" });
    for (const expected of [1, 2]) {
      const runs = await Promise.allSettled([inference.run(request(1, 8)), inference.run(request(1, 8))]);
      for (const run of runs) expect(run).toMatchObject({ reason: { code: "model_unusable" } });
      expect(watch.children.map(hasEnded)).toEqual(Array(expected).fill(true));
    }
  });

  test.each(["starts", "has a run"])(
    "ends a child that is silent for too long while it %s, and starts another",
    async (when) => {
      using watch = watchChildren();
      await using inference = new InferenceProcess(fast, undefined, 4_000);
      if (when === "has a run") await inference.run(request(1, 8));
      const stopped = inference.run(request(1, 8));
      watch.children[0]?.kill("SIGSTOP");
      await expect(stopped).rejects.toMatchObject({
        code: "inference_hung",
        message: "The inference process did not answer for 4 s, and was ended.",
      });
      // On a busy machine the next child may take as long to start.
      const runs = async () => (await inference.run(request(1, 8)).catch(() => undefined))?.vectors.length === 1024;
      await waitFor("a run in another child", runs);
      expect(watch.children.map(hasEnded)[0]).toBe(true);
    },
  );

  test("fails a run that the graph refuses, and continues", async () => {
    await using inference = new InferenceProcess(fast);
    const outside = { ids: Int32Array.of(1_000_000), lengths: Int32Array.of(1) };
    await expect(inference.run(outside)).rejects.toMatchObject({ code: "inference_failed" });
    expect((await inference.run(request(1, 8))).vectors).toHaveLength(1024);
  });

  test("when the device fails in one thread's run, the other's fails for the same reason, and waiting runs move on", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess(slow);
    await inference.run(request(1, 1));
    const [other, failing, waiting] = [500, 2, 1].map((length) => inference.run(request(1, length)));
    const message = "CUDA failure 700: an illegal memory access was encountered";
    const failed = Promise.all(
      [failing, other].map((run) =>
        expect(run).rejects.toMatchObject({ code: "device_failed", message: `The model failed: ${message}` }),
      ),
    );
    // What a child with a GPU does: one thread reports its failure, and the process ends.
    const [child] = watch.children;
    await setImmediate();
    child?.emit("message", { kind: "failed", id: 3, code: "device_failed", message } satisfies InferenceReply);
    child?.kill("SIGKILL");
    await failed;
    expect((await waiting)?.vectors).toHaveLength(slowDimensions);
    expect(watch.children).toHaveLength(2);
  });

  test("has a child that ignores Ctrl-C, which the whole process group receives", async () => {
    using watch = watchChildren();
    await using inference = new InferenceProcess(fast);
    await inference.run(request(1, 8));
    for (const signal of ["SIGINT", "SIGTERM"] as const) watch.children[0]?.kill(signal);
    expect((await inference.run(request(1, 8))).vectors).toHaveLength(1024);
    expect(watch.children).toHaveLength(1);
  });
});

describe("disposal", () => {
  test("ends the child in the middle of a run, and fails that run and the waiting ones", async () => {
    using watch = watchChildren();
    const inference = new InferenceProcess(slow);
    const [short, ...others] = [1, 5_000, 1].map((length) => inference.run(request(1, length)));
    const closed = { code: "inference_died", message: expect.stringMatching(/it was closed$/) };
    const failed = Promise.all(others.map((run) => expect(run).rejects.toMatchObject(closed)));
    await short;
    await inference[Symbol.asyncDispose]();
    expect(watch.children.map(hasEnded)).toEqual([true]);
    await failed;
  });

  test("ends a child that is still starting, and fails the run that it was started for", async () => {
    using watch = watchChildren();
    const inference = new InferenceProcess(fast);
    const failed = expect(inference.run(request(1, 8))).rejects.toMatchObject({ code: "inference_died" });
    await inference[Symbol.asyncDispose]();
    expect(watch.children.map(hasEnded)).toEqual([true]);
    await failed;
    await expect(inference.run(request(1, 8))).rejects.toMatchObject({ code: "inference_died" });
    expect(watch.children).toHaveLength(1);
  });

  test("starts nothing if the process was never used", async () => {
    using watch = watchChildren();
    await new InferenceProcess(fast)[Symbol.asyncDispose]();
    expect(watch.children).toEqual([]);
  });
});

test("a child ends with its parent, however the parent was ended", async () => {
  const program = `
    const { InferenceProcess } = await import(${JSON.stringify(new URL("inference-process.ts", import.meta.url).href)});
    const inference = new InferenceProcess(${JSON.stringify(fast)});
    await inference.run({ ids: Int32Array.of(0, 2), lengths: Int32Array.of(2) });
    console.log("ran");
    setInterval(() => {}, 1_000);`;
  // The child shares its parent's stderr, which closes when both have ended.
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(parent, "close");
  for await (const line of createInterface(parent.stdout)) {
    expect(line).toBe("ran");
    break;
  }
  parent.kill("SIGKILL");
  expect(await closed).toEqual([null, "SIGKILL"]);
});

function preparedSettings(folder: string): InferenceSettings {
  const graph = join(preparedFolder(folder, "cpu"), graphName);
  return { ...settingsOf({ model: miniM3, folder }), graph, prepared: true };
}

function settingsOf({ model, folder }: Pick<TemporaryModel, "model" | "folder">): InferenceSettings {
  const { dimensions, pooling } = model;
  const graph = join(folder, "onnx/model.onnx");
  return { folder, graph, prepared: false, layout: "equal", device: "cpu", dimensions, pooling };
}

/** Texts of equal length, without padding. */
function request(texts: number, length: number) {
  return { ids: new Int32Array(texts * length).fill(5), lengths: new Int32Array(texts).fill(length) };
}
