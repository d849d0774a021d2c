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

/**
 * Measures for some seconds. The fastest product counts, because other load on the machine only slows them down.
 * With one thread the CPU time counts, which other load hardly changes.
 */
export async function measureProductPeak(threads: number): Promise<ProductPeak> {
  const fp32 = await bestRate(
    floatProduct(),
    new Tensor("float32", new Float32Array(rows * inner).fill(0.5), [rows, inner]),
    threads,
  );
  const int8 = await bestRate(
    integerProduct(),
    new Tensor("uint8", new Uint8Array(rows * inner).fill(7), [rows, inner]),
    threads,
  );
  return { fp32, int8 };
}

/** Bytes per second that one thread reads and writes when it copies 256 MB, more than any cache. The best of several. */
export function measureCopyRate(): number {
  const from = new Uint8Array(256 << 20).fill(1);
  const to = new Uint8Array(from.length);
  const times = Array.from({ length: 6 }, () => {
    const startedAt = cpuMs();
    to.set(from);
    return cpuMs() - startedAt;
  });
  return (2 * from.length) / (Math.min(...times) / 1_000);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The time that the work would take at the peak rates. int8 graphs compute attention in float32. */
export function secondsAtPeak(
  { linear, attention }: EncoderWork,
  peak: ProductPeak,
  linearIn: keyof ProductPeak,
): number {
  return linear / peak[linearIn] + attention / peak.fp32;
}

async function bestRate(graph: Uint8Array, values: Tensor, threads: number): Promise<number> {
  const session = await InferenceSession.create(graph, { intraOpNumThreads: threads });
  const now = threads === 1 ? cpuMs : () => performance.now();
  let best = Number.POSITIVE_INFINITY;
  const until = performance.now() + measuredMs;
  while (performance.now() < until) {
    const startedAt = now();
    await session.run({ values });
    best = Math.min(best, now() - startedAt);
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
