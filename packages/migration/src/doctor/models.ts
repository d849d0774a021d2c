import { existsSync } from "node:fs";
import { join } from "node:path";
import { isUnknownModel } from "@reembed/core";
import { embeddingServerOf, hasNoTokenizer, type ModelState } from "@reembed/embedder";
import type { Check } from "./context.ts";
import { type Finding, ok, problem, warning, withoutStop } from "./finding.ts";

export const checkModels: Check = ({ config, profiles, models }) =>
  models.map((state) => {
    const using = profiles.filter(({ model }) => model.id === state.model);
    const check = `model ${state.model}`;
    if (isUnknownModel(state.model)) return ok(check, "nobody embeds with it: its vectors were adopted as they are");
    if (using.some(({ model }) => hasNoTokenizer(model, config.models.folder))) {
      return ok(check, "a provider has it; its tokens are estimated, because its tokenizer.json is not here");
    }
    const served = using.every((profile) => embeddingServerOf(config, profile) !== undefined);
    return served ? judgeTokenizer(state, existsSync(join(state.folder, "tokenizer.json"))) : judgeModel(state);
  });

export function judgeModel({ model, folder, prepared, problem: bad, remedy }: ModelState): Finding {
  const check = `model ${model}`;
  if (bad !== null) return problem(check, withoutStop(bad), remedy ?? "Copy its files there.");
  const devices = prepared.map(({ device, dtype }) => `${device} in ${dtype}`).join(", ");
  if (prepared.length > 0) return ok(check, `its files are unaltered, and it is prepared for ${devices}`);
  return warning(
    check,
    `its files in ${folder} are unaltered, but it is not prepared: workers run the exported graph, which is several times slower`,
    `Run \`reembed model prepare ${model}\`.`,
  );
}

/** Judges a model that an embedding server has. */
export function judgeTokenizer({ model, folder }: Pick<ModelState, "model" | "folder">, there: boolean): Finding {
  const check = `model ${model}`;
  if (there) return ok(check, "an embedding server has it; its tokenizer is here");
  const says = `an embedding server has it, but its tokenizer.json is not in ${folder}`;
  return problem(check, says, `Run \`reembed model pull ${model}\`, or copy the file there.`);
}
