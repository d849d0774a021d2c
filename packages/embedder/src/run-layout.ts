import { type MicroBatch, packEqualLengths, packMicroBatches, packTokens } from "@reembed/core";

/**
 * How texts share a run of the model. `equal`: only texts of one length do, and nothing is padded or masked. `padded`:
 * each is padded to the longest, and a mask hides the padding. `packed`: their tokens lie one after another, and the
 * graph is told where each text begins; only graphs that are prepared for CUDA can do that.
 */
export type RunLayout = "equal" | "padded" | "packed";

/** Version of the graph builder that wrote the first packed graphs. */
const firstPacked = 3;

/**
 * The layout of a device's graph. On a CPU a run takes as long as its tokens, and padding costs as much as text.
 * @param builder Version of the graph builder that prepared it; undefined when it is as it was exported.
 */
export function layoutOf(device: string, builder: number | undefined): RunLayout {
  if (device === "cpu") return "equal";
  return device.startsWith("cuda") && builder !== undefined && builder >= firstPacked ? "packed" : "padded";
}

/** Groups texts of so many tokens into runs of at most `tokenBudget` tokens, padding included. */
export function packRuns(layout: RunLayout, lengths: readonly number[], tokenBudget: number): MicroBatch[] {
  if (layout === "equal") return packEqualLengths(lengths, tokenBudget);
  return layout === "padded" ? packMicroBatches(lengths, tokenBudget) : packTokens(lengths, tokenBudget);
}

/** Tokens that a run of such texts computes, padding included. */
export function tokensOfRun(layout: RunLayout, lengths: readonly number[]): number {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return layout === "packed" ? tokens : lengths.length * Math.max(0, ...lengths);
}
