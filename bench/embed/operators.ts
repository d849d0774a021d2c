import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EncoderShape } from "@reembed/model-builder/graph";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { type EncoderWork, workOf } from "./encoder-work.ts";
import { roundTo } from "./figures.ts";
import { measureCopyRate, measureProductPeak, type ProductPeak } from "./product-peak.ts";
import { openRandomModel, type RandomModel } from "./random-model.ts";

/** One kind of operator's part of a run. */
interface OperatorFigures {
  operator: string;
  calls: number;
  ms: number;
  /** Share of the time of all operators. */
  share: number;
  /** For products and attention in 10^9 operations per second; for the others in GB read and written per second. */
  rate: number;
  /** Share of this machine's measured rate of such products, or of copying memory. */
  ofPeak: number;
}

interface LengthFigures {
  tokens: number;
  ms: number;
  operators: OperatorFigures[];
}

export interface OperatorsFigures {
  /** In 10^9 operations per second. */
  peak: ProductPeak;
  /** The same for PyTorch; null without a Python. No operator of the graph computes in bfloat16. */
  bfloat16Peak: number | null;
  /** In GB per second, read and written, by one thread. */
  copyRate: number;
  lengths: LengthFigures[];
}

const lengths = [128, 512, 1_500, 8_192];
/** Number of runs for a length. The fastest call of each node counts, because other load on the machine only slows it down. */
const runsFor = (tokens: number) => (tokens > 4_000 ? 2 : 6);

/**
 * Where an int8 run of one text by one thread spends its time, from ONNX Runtime's profiler.
 * @param layers Number of the model's layers, which are all alike except for the last one.
 * @param python Path of a Python with PyTorch, which also measures the peak in bfloat16.
 */
export async function measureOperators(layers: number, python?: string): Promise<OperatorsFigures> {
  const model = await openRandomModel({ layers, graphs: ["int8"] });
  const peak = await measureProductPeak(1);
  const bfloat16 = python === undefined ? null : await bfloat16Peak(python);
  const context = { model, peak, copyRate: measureCopyRate() };
  const measured: LengthFigures[] = [];
  for (const tokens of lengths) {
    measured.push(summarize(tokens, await profileOf(model.graph("int8"), tokens), context));
    console.error(`${tokens} tokens: ${measured.at(-1)?.ms} ms`);
  }
  return {
    peak: { fp32: roundTo(peak.fp32 / 1e9, 0), int8: roundTo(peak.int8 / 1e9, 0) },
    bfloat16Peak: bfloat16,
    copyRate: roundTo(context.copyRate / 1e9, 1),
    lengths: measured,
  };
}

interface ProfileEvent {
  cat: string;
  name: string;
  /** In microseconds. */
  dur: number;
  args: { node_index: string; op_name?: string; output_size?: string; activation_size?: string };
}

async function bfloat16Peak(python: string): Promise<number> {
  const script = join(import.meta.dirname, "python/peak.py");
  const { stdout } = await promisify(execFile)(python, [script]);
  return roundTo(Number(stdout) / 1e9, 0);
}

/** The fastest call of each node. */
async function profileOf(graph: string, tokens: number): Promise<ProfileEvent[]> {
  const folder = mkdtempSync(join(tmpdir(), "reembed-profile-"));
  try {
    const session = await InferenceSession.create(graph, {
      intraOpNumThreads: 1,
      enableCpuMemArena: false,
      graphOptimizationLevel: "basic",
      enableProfiling: true,
      profileFilePrefix: join(folder, "run"),
    });
    const ids = BigInt64Array.from({ length: tokens }, (_, place) => BigInt(5 + ((place * 7_919) % 200_000)));
    const feeds = { input_ids: new Tensor("int64", ids, [1, tokens]) };
    for (let run = 0; run <= runsFor(tokens); run++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const [file = ""] = globSync("*.json", { cwd: folder });
    const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as ProfileEvent[];
    const calls = events.filter((event) => event.cat === "Node" && event.name.endsWith("_kernel_time"));
    const nodes = Map.groupBy(calls, ({ args }) => args.node_index);
    return [...nodes.values()].map((calls) => calls.reduce((best, call) => (call.dur < best.dur ? call : best)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The last layer needs the keys and values of all tokens, and everything else of the first one only. */
function computedWork(shape: EncoderShape, tokens: number): EncoderWork {
  const { linear, attention } = workOf({ ...shape, layers: shape.layers - 1 }, [tokens]);
  return { linear: linear + 4 * shape.hidden ** 2 * tokens, attention };
}

interface Context {
  model: RandomModel;
  /** Operations per second, and bytes per second. */
  peak: ProductPeak;
  copyRate: number;
}

function summarize(tokens: number, events: readonly ProfileEvent[], { model, peak, copyRate }: Context): LengthFigures {
  const all = events.reduce((sum, { dur }) => sum + dur, 0);
  const work = computedWork(model.shape, tokens);
  const operators = [...Map.groupBy(events, ({ args }) => args.op_name ?? "")].map(([operator, calls]) => {
    const us = calls.reduce((sum, { dur }) => sum + dur, 0);
    const bytes = calls.reduce(
      (sum, { args }) => sum + Number(args.output_size ?? 0) + Number(args.activation_size ?? 0),
      0,
    );
    const [amount, most] =
      operator === "MatMulIntegerToFloat"
        ? [work.linear, peak.int8]
        : operator === "MultiHeadAttention"
          ? [work.attention, peak.fp32]
          : [bytes, copyRate];
    const rate = amount / (us / 1e6);
    return {
      operator,
      calls: calls.length,
      ms: roundTo(us / 1e3, 1),
      share: roundTo(us / all, 3),
      rate: roundTo(rate / 1e9, 1),
      ofPeak: roundTo(rate / most, 2),
    };
  });
  return { tokens, ms: roundTo(all / 1e3, 0), operators: operators.sort((a, b) => b.ms - a.ms) };
}

/** Prints a table for each length and, as the last line, one JSON object. */
export function reportOperators(figures: OperatorsFigures, machine: string): void {
  const { peak, bfloat16Peak, copyRate } = figures;
  const bfloat16 = bfloat16Peak === null ? "" : `, bfloat16 ${bfloat16Peak} GFLOP/s`;
  console.log(`${machine}; one thread`);
  console.log(`peak: fp32 ${peak.fp32} GFLOP/s${bfloat16}, int8 ${peak.int8} GOP/s; copying ${copyRate} GB/s\n`);
  for (const { tokens, ms, operators } of figures.lengths) {
    console.log(`${tokens} tokens: ${ms} ms\n| operator | calls | ms | share | rate | of the peak |`);
    for (const { operator, calls, ms, share, rate, ofPeak } of operators.filter(({ share }) => share > 0.005)) {
      const of = `${(100 * ofPeak).toFixed(0)} %`;
      console.log(`| ${operator} | ${calls} | ${ms} | ${(100 * share).toFixed(1)} % | ${rate} | ${of} |`);
    }
    console.log("");
  }
  console.log(JSON.stringify({ benchmark: "operators", ...figures, machine }));
}
