import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Model, Prompts } from "@reembed/core";

export { textsOfLanguages } from "./languages.ts";

/** A folder that scripts/install-real-models.sh has filled. */
const folder = process.env.REAL_MODELS ?? "";

/** Why no trained model can be run; undefined if one can. */
export const realModelsMissing =
  folder === "" ? "run scripts/install-real-models.sh FOLDER and set REAL_MODELS=FOLDER" : undefined;

/** Its models, in Hugging Face layout. */
export const realModelsFolder = join(folder, "models");

/** What sentence-transformers makes of texts, in their order. */
export interface ReferenceAnswer {
  /** Of length 1. */
  vectors: number[][];
  /** The tokens that the model reads. */
  ids: number[][];
}

/** Embeds queries and passages with sentence-transformers. */
export async function referenceOf(
  { id, prompts }: Pick<Model, "id" | "prompts">,
  texts: Record<keyof Prompts, readonly string[]>,
): Promise<Record<keyof Prompts, ReferenceAnswer>> {
  const args = [join(realModelsFolder, id), JSON.stringify(prompts)];
  return (await runPython("python", "reference.py", args, texts)) as Record<keyof Prompts, ReferenceAnswer>;
}

/** Where export_with_torch.py and export_with_optimum.py put their encoders: a folder for each and each exporter. */
export async function exportEncoders(to: string): Promise<void> {
  await runPython("python", "export_with_torch.py", [to]);
  await runPython("optimum", "export_with_optimum.py", [to]);
}

/** @returns The JSON that it writes; undefined if it writes something else. */
async function runPython(
  python: "python" | "optimum",
  script: string,
  args: readonly string[],
  input: unknown = {},
): Promise<unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(join(folder, python, "bin/python"), ["-W", "ignore", path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error", TQDM_DISABLE: "1" },
  });
  const ended = once(child, "close");
  child.stdin.end(JSON.stringify(input));
  const written = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return written.startsWith("{") ? JSON.parse(written) : undefined;
}
