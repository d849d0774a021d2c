import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Settings } from "@reembed/config";
import { type Model, models, profiles, ReembedError, unpinned } from "@reembed/core";
import { chooseModel } from "./choose-model.ts";

/** For what does not depend on a model's prompts: its files and its graph. */
export const anyPrompts = { queryPrompt: "", passagePrompt: "" };

/** The stand-ins, the models of the configured profiles, and those with files in MODELS_DIR, the catalogue's first. */
export async function listModels({ models: { folder }, chosen }: Settings): Promise<Model[]> {
  const configured = [chosen.baseline, chosen.candidate].map((name) => profiles.get(name)?.model.id);
  const placed = await listPlaced(folder);
  const known = [...models.values()].filter(
    ({ id, bundled }) => bundled || configured.includes(id) || chosen.overrides.modelId === id || placed.includes(id),
  );
  const others = placed.filter((id) => !models.has(id));
  const described = await Promise.all(others.map((id) => describePlaced(id, folder)));
  const pinned = await Promise.all(
    known.map(async (model) =>
      model.revision === unpinned ? ((await describePlaced(model.id, folder)) ?? model) : model,
    ),
  );
  return [...pinned, ...described.filter((model) => model !== undefined)];
}

/** A folder that does not say enough is no model yet. */
async function describePlaced(id: string, folder: string): Promise<Model | undefined> {
  try {
    return await chooseModel({ model: id, ...anyPrompts }, folder);
  } catch (error) {
    if (error instanceof ReembedError) return undefined;
    throw error;
  }
}

/** The folders with a config.json, one or two levels below MODELS_DIR. */
async function listPlaced(folder: string): Promise<string[]> {
  const ids: string[] = [];
  for (const first of await foldersIn(folder)) {
    const names = await namesIn(join(folder, first));
    if (names.includes("config.json")) ids.push(first);
    else {
      for (const second of await foldersIn(join(folder, first))) {
        const path = join(folder, first, second);
        if ((await namesIn(path)).includes("config.json")) ids.push(relative(folder, path).replaceAll("\\", "/"));
      }
    }
  }
  return ids.sort();
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isFile() && !entry.name.endsWith(".partial")).map(({ name }) => name);
}
