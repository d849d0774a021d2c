import { type MicroBatch, packEqualLengths, packMicroBatches, packTokens } from "./micro-batches.ts";

/**
 * How texts share a run of the model. `equal`: only texts of one length share a run, and nothing is padded or masked.
 * `padded`: each text is padded to the longest, and a mask excludes the padding. `packed`: tokens are concatenated and the
 * graph gets the start of each text, which only graphs prepared for CUDA support.
 */
export type RunLayout = "equal" | "padded" | "packed";

/** Version of the graph builder that wrote the first packed graphs. */
const firstPacked = 3;

/**
 * The layout of a device's graph. On a CPU the time of a run is proportional to its tokens, and padding costs as much as
 * text.
 * @param builder Version of the graph builder that prepared the graph; undefined for an exported graph.
 */
export function layoutOf(device: string, builder: number | undefined): RunLayout {
  if (device === "cpu") return "equal";
  return device.startsWith("cuda") && builder !== undefined && builder >= firstPacked ? "packed" : "padded";
}

/** Groups texts, given by their numbers of tokens, into runs of at most `tokenBudget` tokens, padding included. */
export function packRuns(layout: RunLayout, lengths: readonly number[], tokenBudget: number): MicroBatch[] {
  if (layout === "equal") return packEqualLengths(lengths, tokenBudget);
  return layout === "padded" ? packMicroBatches(lengths, tokenBudget) : packTokens(lengths, tokenBudget);
}

/** The tokens that a run of these texts computes, padding included. */
export function tokensOfRun(layout: RunLayout, lengths: readonly number[]): number {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return layout === "packed" ? tokens : lengths.length * Math.max(0, ...lengths);
}
