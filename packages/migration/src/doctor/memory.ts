import { totalmem } from "node:os";
import { formatBytes } from "@reembed/core";
import { embeddingServerOf, type ModelState } from "@reembed/embedder";
import type { Check } from "./context.ts";
import { type Finding, ok, warning } from "./finding.ts";

/**
 * The memory of one CPU worker. With the exported graph, attention over 8,192 tokens took 7.6 GB in addition to 2.3 GB of
 * weights; the migration's plan assumes 16 GB. Prepared in int8, the same text took 1.45 GB with 0.7 GB of weights, and the
 * rest of the process half a gigabyte.
 */
const wanted: Record<string, { exported: number; int8: number }> = {
  "BAAI/bge-m3": { exported: 16e9, int8: 2.5e9 },
};
const small = { exported: 1e9, int8: 1e9 };

export const checkMemory: Check = ({ config, profiles, models }) => {
  // A container's limit takes precedence over the host's memory.
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const here = profiles
    .filter((profile) => embeddingServerOf(config, profile) === undefined && !profile.model.unknown)
    .map(({ model }) => model.id);
  return models.filter(({ model }) => here.includes(model)).map((model) => judgeMemory(model, total));
};

export function judgeMemory({ model, prepared }: Pick<ModelState, "model" | "prepared">, total: number): Finding {
  const check = `memory for ${model}`;
  const { exported, int8 } = wanted[model] ?? small;
  const isPrepared = prepared.some(({ device, dtype }) => device === "cpu" && dtype === "int8");
  const least = isPrepared ? int8 : exported;
  const says = `${formatBytes(total)} on this host; a worker on the CPU needs ${formatBytes(least)} ${isPrepared ? "in int8: its weights, and a text of full length" : "with the exported model, in fp32"}`;
  if (total >= least) return ok(check, says);
  const prepare = `Run \`reembed model prepare ${model}\`: in int8 it needs ${formatBytes(int8)}.`;
  return warning(check, says, isPrepared ? "Run its workers on another host." : prepare);
}
