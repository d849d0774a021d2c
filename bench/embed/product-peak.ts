import { encodeModel, node, tensor, valueInfo } from "@reembed/model-builder/model-writer";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { EncoderWork } from "./encoder-work.ts";

/** The highest rate at which this machine multiplied large matrices. */
export interface ProductPeak {
  fp32: number;
  int8: number;
}

const [rows, inner, columns] = [1536, 1024, 4096];
const operations = 2 * rows * inner * columns;
const measuredMs = 1_500;

/** Measures for some seconds. The fastest product counts, because other load on the machine only slows them down. */
export async function measureProductPeak(): Promise<ProductPeak> {
  const fp32 = await bestRate(
    floatProduct(),
    new Tensor("float32", new Float32Array(rows * inner).fill(0.5), [rows, inner]),
  );
  const int8 = await bestRate(
    integerProduct(),
    new Tensor("uint8", new Uint8Array(rows * inner).fill(7), [rows, inner]),
  );
  return { fp32, int8 };
}

/** Bytes per second that one thread reads and writes when it copies 256 MB, more than any cache. The best of several. */
export function measureCopyRate(): number {
  const from = new Uint8Array(256 << 20).fill(1);
  const to = new Uint8Array(from.length);
  const times = Array.from({ length: 6 }, () => {
    const startedAt = performance.now();
    to.set(from);
    return performance.now() - startedAt;
  });
  return (2 * from.length) / (Math.min(...times) / 1_000);
}

/** The time that the work would take at the peak rates. int8 graphs compute attention in float32. */
export function secondsAtPeak(
  { linear, attention }: EncoderWork,
  peak: ProductPeak,
  linearIn: keyof ProductPeak,
): number {
  return linear / peak[linearIn] + attention / peak.fp32;
}

async function bestRate(graph: Uint8Array, values: Tensor): Promise<number> {
  const session = await InferenceSession.create(graph);
  let best = Number.POSITIVE_INFINITY;
  const until = performance.now() + measuredMs;
  while (performance.now() < until) {
    const startedAt = performance.now();
    await session.run({ values });
    best = Math.min(best, performance.now() - startedAt);
  }
  await session.release();
  return operations / (best / 1_000);
}

function floatProduct(): Uint8Array {
  const matrix = tensor("matrix", [inner, columns], new Float32Array(inner * columns).fill(0.25));
  return productGraph("float32", [matrix], node("MatMul", ["values", "matrix"], ["product"]));
}

/** Multiplies as prepared graphs do: uint8 with a zero point by int8 with a scale per column. */
function integerProduct(): Uint8Array {
  const constants = [
    tensor("matrix", [inner, columns], new Int8Array(inner * columns).fill(3)),
    tensor("value_scale", [], new Float32Array([1 / 127])),
    tensor("scales", [columns], new Float32Array(columns).fill(0.01)),
    tensor("zero_point", [], new Uint8Array([128])),
  ];
  const inputs = ["values", "matrix", "value_scale", "scales", "zero_point"];
  return productGraph("uint8", constants, node("com.microsoft.MatMulIntegerToFloat", inputs, ["product"]));
}

/** Outputs only one row, because copying all of them would be measured too. */
function productGraph(
  elementType: "float32" | "uint8",
  constants: ReturnType<typeof tensor>[],
  product: ReturnType<typeof node>,
): Uint8Array {
  return encodeModel({
    name: "product",
    inputs: [valueInfo("values", elementType, [rows, inner])],
    outputs: [valueInfo("row", "float32", [columns])],
    initializers: [...constants, tensor("first", [], new BigInt64Array([0n]))],
    nodes: [product, node("Gather", ["product", "first"], ["row"], { axis: { int: 0 } })],
  });
}
