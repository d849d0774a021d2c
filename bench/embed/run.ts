import type { TextOfLength } from "./mixed-texts.ts";
import { type ProcessUse, processUse } from "./process-use.ts";
import { type EventLoopDelay, watchEventLoop } from "./watch-event-loop.ts";

/** One side's pass over all texts, after its model was loaded and has run. */
export interface Run {
  /** From the first text's tokenisation to the last vector. */
  seconds: number;
  /** In the order of the texts, of length 1. */
  vectors: Float32Array[];
  /** Tokens that were computed beside those of the texts. */
  padding: number;
  /** Of the processes that ran the model: their memory since their start, and their CPU time in this pass. */
  use: ProcessUse;
  /** Of the process that waits for the vectors. */
  eventLoop: EventLoopDelay;
}

/** One way to embed texts. It starts its process when it is run, and ends it: no side's model is in another's way. */
export interface Side {
  title: string;
  run(texts: readonly TextOfLength[]): Promise<Run>;
}

/** Measures a pass of which the processes `pids` do the work. */
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

/** Of all of them together; what is shared between them counts for each. */
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
