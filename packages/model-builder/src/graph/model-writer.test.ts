import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { encodeModel, type Graph, node, tensor, valueInfo } from "./model-writer.ts";

test("a written graph runs with its weights, axes and free dimensions", async () => {
  const outputs = await run(
    {
      name: "two-rows-summed",
      inputs: [valueInfo("ids", "int64", ["batch", "sequence"])],
      outputs: [valueInfo("sum", "float32", ["batch", 2])],
      initializers: [
        tensor("table", [3, 2], new Int8Array([1, 2, 30, 40, -50, -60])),
        tensor("scale", [2], new Float32Array([0.5, 2])),
        tensor("sequence_axis", [1], new BigInt64Array([1n])),
      ],
      nodes: [
        node("Gather", ["table", "ids"], ["rows"], { axis: { int: 0 } }),
        node("Cast", ["rows"], ["floats"], { to: { elementType: "float32" } }),
        node("Mul", ["floats", "scale"], ["scaled"]),
        node("ReduceSum", ["scaled", "sequence_axis"], ["sum"], { keepdims: { int: 0 } }),
      ],
    },
    { ids: new Tensor("int64", new BigInt64Array([0n, 1n, 2n, 2n]), [2, 2]) },
  );
  expect(outputs.sum?.dims).toEqual([2, 2]);
  expect([...(outputs.sum?.data ?? [])]).toEqual([15.5, 84, -50, -240]);
});

test("operators of another domain run, with float and list attributes", async () => {
  const outputs = await run(
    {
      name: "scaled-transposed-product",
      inputs: [valueInfo("x", "float32", [1, 2])],
      outputs: [valueInfo("y", "float32", [2, 1])],
      initializers: [tensor("weight", [2, 2], new Float32Array([1, 2, 3, 4]))],
      nodes: [
        node("com.microsoft.FusedMatMul", ["x", "weight"], ["product"], { alpha: { float: 0.5 } }),
        node("Transpose", ["product"], ["y"], { perm: { ints: [1, 0] } }),
      ],
    },
    { x: new Tensor("float32", new Float32Array([10, 100]), [1, 2]) },
  );
  expect([...(outputs.y?.data ?? [])]).toEqual([155, 210]);
});

test("a tensor whose number of values does not fit its shape is refused by name", () => {
  expect(() => tensor("weight", [2, 2], new Float32Array(3))).toThrow("Tensor weight has shape [2,2], 4 elements");
});

async function run(graph: Graph, inputs: Record<string, Tensor>) {
  const session = await InferenceSession.create(encodeModel(graph));
  try {
    return await session.run(inputs);
  } finally {
    await session.release();
  }
}
