import { totalmem } from "node:os";
import type { ModelState } from "../model-state.ts";
import { formatBytes } from "../output.ts";
import { servedByEndpoint } from "../profile-embedder.ts";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

/**
 * What one worker on the CPU wants. As exported, the attention of 8,192 tokens alone took 7.6 GB beside 2.3 GB of
 * weights, and the migration's plan reckons with 16 GB; prepared in int8, the same text took 1.45 GB with its 0.7 GB of
 * weights, and the process around it half a gigabyte.
 */
const wanted: Record<string, { exported: number; int8: number }> = {
  "BAAI/bge-m3": { exported: 16e9, int8: 2.5e9 },
};
const small = { exported: 1e9, int8: 1e9 };

export const checkMemory: Check = ({ config, profiles, models }) => {
  // A container's limit goes before what the host has.
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const here = profiles.filter((profile) => !servedByEndpoint(config, profile.name)).map(({ model }) => model.id);
  return models.filter(({ model }) => here.includes(model)).map((model) => judgeMemory(model, total));
};

export function judgeMemory({ model, prepared }: Pick<ModelState, "model" | "prepared">, total: number): Finding {
  const check = `memory for ${model}`;
  const { exported, int8 } = wanted[model] ?? small;
  const isPrepared = prepared.some(({ device, dtype }) => device === "cpu" && dtype === "int8");
  const least = isPrepared ? int8 : exported;
  const says = `${formatBytes(total)} on this host; a worker on the CPU wants ${formatBytes(least)} ${isPrepared ? "in int8: its weights, and a text of full length" : "as the model is exported, in fp32"}`;
  if (total >= least) return ok(check, says);
  const prepare = `Run \`reembed model prepare ${model}\`: in int8 it wants ${formatBytes(int8)}.`;
  return warning(check, says, isPrepared ? "Run its workers on another host." : prepare);
}
