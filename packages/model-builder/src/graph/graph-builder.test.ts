import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { encoderShape, testGraphs } from "@reembed/testing/encoders";
import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { GraphBuilder } from "./graph-builder.ts";

const megabyte = 1 << 20;

test("weights are written one after another, and are read back from their places", async () => {
  await using graphs = await testGraphs();
  const path = graphs.nextPath;
  {
    await using graph = await GraphBuilder.create(path);
    const pieces = (async function* () {
      yield Float32Array.of(1, 2);
      yield Float32Array.of(3, 4);
    })();
    const sum = graph.add("Add", [
      await graph.weight("one", [3, 2], Float32Array.of(10, 20, 30, 40, 50, 60)),
      graph.add("Gather", [await graph.weight("pieces", [2, 2], pieces), graph.integers(1)]),
    ]);
    const small = await graph.weight("small", [3, 2], Int8Array.of(1, -2, 3, -4, 5, -6));
    const floats = graph.add("Cast", [small], { to: { elementType: "float32" } });
    graph.output(graph.add("Mul", [sum, floats]), "product", "float32", [3, 2]);
    await graph.finish();
  }
  // Each weight begins at a page, so that it can be mapped.
  expect((await stat(`${path}.data`)).size).toBe(2 * 4_096 + 6);
  const session = await InferenceSession.create(path);
  const { product } = await session.run({});
  expect([...(product?.data ?? [])]).toEqual([13, -48, 99, -176, 265, -384]);
});

test("a weight without values is refused by name", async () => {
  await using graphs = await testGraphs();
  await using graph = await GraphBuilder.create(graphs.nextPath);
  const nothing = (async function* (): AsyncGenerator<Float32Array> {})();
  await expect(graph.weight("table", [0, 2], nothing)).rejects.toThrow("The weight table has no values");
});

test("an encoder with a table of 300 MB is written with a third of that memory", async () => {
  await using graphs = await testGraphs();
  const path = graphs.nextPath;
  const shape = encoderShape({ vocabulary: 300_000, hidden: 256, layers: 1, dimensions: 256 });
  const program = `
    const { writeEncoder } = await import(${JSON.stringify(new URL("encoder-graph.ts", import.meta.url).href)});
    const { arithmetics, randomWeights } = await import(${JSON.stringify(import.meta.resolve("@reembed/testing/encoders"))});
    const weights = { ...randomWeights(), tensor: (name, dims) => ({
      name, dims,
      readRows: async (start, end) => new Float32Array((end - start) * dims.slice(1).reduce((a, b) => a * b, 1)).fill(1),
    }) };
    const before = process.resourceUsage().maxRSS;
    const options = { path: ${JSON.stringify(path)}, shape: ${JSON.stringify(shape)}, weights, masked: false };
    await writeEncoder({ ...options, arithmetic: arithmetics.fp32 });
    console.log(process.resourceUsage().maxRSS - before);`;
  const child = await promisify(execFile)(process.execPath, [
    "--max-old-space-size=64",
    "--input-type=module",
    "-e",
    program,
  ]);
  expect((await stat(`${path}.data`)).size).toBeGreaterThan(290 * megabyte);
  expect(Number(child.stdout) * 1_024).toBeLessThan(150 * megabyte);
});
