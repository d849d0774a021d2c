import { workOf } from "../embed/encoder-work.ts";
import type { RandomModel } from "../embed/random-model.ts";
import { type GpuRun, openGpuEmbedder, runTexts } from "./sides.ts";
import { TextSource } from "./texts.ts";

/** Texts of one length, truncated to it, or of many lengths. */
export interface GpuCase {
  name: string;
  texts: string[];
  maxTokens: number;
}

export interface CaseFigures {
  packed: GpuRun;
  padded: GpuRun;
}

/** Each case has about this many tokens, some seconds of work for a large GPU. */
export function makeCases(tokens: number, source = new TextSource()): GpuCase[] {
  const equal = [128, 512, 1_500].map((length) => ({
    name: `${length} tokens`,
    maxTokens: length,
    texts: Array.from({ length: Math.ceil(tokens / length) }, () => source.text(length)),
  }));
  const [least, most] = [30, 1_500];
  const count = Math.ceil((2 * tokens) / (least + most));
  return [...equal, { name: `${least} to ${most} tokens`, maxTokens: 8_192, texts: source.mixed(count, least, most) }];
}

/** Runs each case with both layouts, after a warm-up pass. */
export async function measureCase(model: RandomModel, { name, texts, maxTokens }: GpuCase): Promise<CaseFigures> {
  const measure = async (layout: "packed" | "padded") => {
    await using opened = await openGpuEmbedder(model, layout, { maxTokens });
    await runTexts(opened, texts.slice(0, 256));
    const run = await runTexts(opened, texts);
    console.error(`${name}, ${layout}: ${JSON.stringify(run)}`);
    return run;
  };
  return { packed: await measure("packed"), padded: await measure("padded") };
}

/** Floating-point operations per second of a run, computed as if all texts had the mean length. */
export function rateOf({ shape }: RandomModel, { tokens, seconds }: GpuRun, texts: number): number {
  const lengths = Array.from({ length: texts }, () => tokens / texts);
  const { linear, attention } = workOf(shape, lengths);
  return (linear + attention) / seconds;
}
