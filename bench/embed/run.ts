import type { TextOfLength } from "./mixed-texts.ts";
import { type ProcessUse, processUse } from "./process-use.ts";
import { type EventLoopDelay, watchEventLoop } from "./watch-event-loop.ts";

/** One side's pass over all texts, after its model was loaded and has run once. */
export interface Run {
  /** From the tokenisation of the first text to the last vector. */
  seconds: number;
  /** In the order of the texts; of length 1. */
  vectors: Float32Array[];
  /** Tokens that were computed in addition to those of the texts. */
  padding: number;
  /** The processes that ran the model: peak memory since their start, and CPU time of this pass. */
  use: ProcessUse;
  /** The process that waited for the vectors. */
  eventLoop: EventLoopDelay;
}

/** One way to embed texts. It starts its processes for each run and ends them, so that sides do not affect each other. */
export interface Side {
  title: string;
  run(texts: readonly TextOfLength[]): Promise<Run>;
}

/** Measures a pass that the processes `pids` compute. */
export async function measureRun(
  pids: readonly number[],
  pass: () => Promise<Float32Array[]>,
): Promise<Omit<Run, "padding">> {
  using eventLoop = watchEventLoop();
  const { cpuSeconds: before } = useOf(pids);
  const startedAt = performance.now();
  const vectors = await pass();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { peakRssMiB, cpuSeconds } = useOf(pids);
  const used = cpuSeconds === undefined || before === undefined ? undefined : cpuSeconds - before;
  return { seconds, vectors, use: { peakRssMiB, cpuSeconds: used }, eventLoop: eventLoop.read() };
}

/** The sum over all of them; shared memory counts once for each. */
function useOf(pids: readonly number[]): ProcessUse {
  const uses = pids.map(processUse);
  const sumOf = (values: readonly (number | undefined)[]) =>
    values.reduce((sum, value) => (sum === undefined || value === undefined ? undefined : sum + value), 0);
  return {
    peakRssMiB: sumOf(uses.map((use) => use.peakRssMiB)),
    cpuSeconds: sumOf(uses.map((use) => use.cpuSeconds)),
  };
}

export function tokensOf(texts: readonly TextOfLength[]): number {
  return texts.reduce((sum, { tokens }) => sum + tokens, 0);
}
