import { encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";
import { InferenceSession, Tensor } from "onnxruntime-node";

const size = 8_192;
const products = 16;
/** Long enough for the GPU to reach its power limit and lower its clock, as it does in a backfill. */
const leastMs = 3_000;

/** The GPU's floating-point operations per second for products of random float16 matrices, without pause. */
export async function measureMatrixRate(): Promise<number> {
  const session = await InferenceSession.create(chain(), { executionProviders: ["cuda"] });
  const run = () => session.run({ scale: new Tensor("float32", new Float32Array([1]), [1]) });
  await run();
  let runs = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < leastMs) {
    await run();
    runs++;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await session.release();
  return (2 * size ** 3 * products * runs) / seconds;
}

/** Multiplies a matrix by another one repeatedly; outputs one row of the last product. */
function chain(): Uint8Array {
  const random = (name: string, scale: number, seed: number) =>
    node("RandomNormal", [], [name], {
      dtype: { elementType: "float16" },
      shape: { ints: [size, size] },
      scale: { float: scale },
      seed: { float: seed },
    });
  const steps = Array.from({ length: products }, (_, step) =>
    node("MatMul", [step === 0 ? "values" : `product_${step - 1}`, "matrix"], [`product_${step}`]),
  );
  return encodeModel({
    name: "products",
    inputs: [valueInfo("scale", "float32", [1])],
    outputs: [valueInfo("row", "float32", [size])],
    initializers: [tensor("first", [], new BigInt64Array([0n]))],
    nodes: [
      random("values", 1, 1),
      random("matrix", 1 / Math.sqrt(size), 2),
      ...steps,
      node("Gather", [`product_${products - 1}`, "first"], ["halves"], { axis: { int: 0 } }),
      node("Cast", ["halves"], ["floats"], { to: { elementType: "float32" } }),
      node("Mul", ["floats", "scale"], ["row"]),
    ],
  });
}
