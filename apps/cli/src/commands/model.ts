import { loadConfig, type Settings } from "@reembed/config";
import { catalogue, formatTable, isModelId, type Model, models, ReembedError, unpinned } from "@reembed/core";
import { inspectModel, type ModelState, modelFolder, pullModel } from "@reembed/embedder";
import { anyPrompts, chooseModel, listModels } from "@reembed/migration/profiles";
import type { Command } from "commander";
import { printResult } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";
import { addModelOptions, type ModelFlags } from "./model-options.ts";
import { registerModelPrepare } from "./model-prepare.ts";

export function registerModel(program: Command): void {
  const command = program.command("model").description("list, fetch, check and prepare the embedding models");
  command
    .command("list")
    .description("list the models that have files on this host or are configured, or the catalogue's")
    .option("--catalogue", "list the well-known models instead")
    .option("--json", "print one JSON object per model")
    .action(async ({ catalogue: all, json }: { catalogue?: boolean; json?: boolean }) => {
      if (all) return printCatalogue(json);
      const settings = loadConfig(process.env);
      const wanted = await listModels(settings);
      printStates(await Promise.all(wanted.map((model) => inspectModel(settings, model))), json);
    });
  command
    .command("check [model]")
    .description("check the files of a model, or of every model in the list, against their hashes")
    .option("--json", "print one JSON object per model")
    .action(async (id: string | undefined, { json }: { json?: boolean }) => {
      const settings = loadConfig(process.env);
      const wanted = id === undefined ? await listModels(settings) : [await findInstalled(id, settings)];
      const states = await Promise.all(wanted.map((model) => inspectModel(settings, model)));
      printStates(states, json);
      if (states.some((state) => state.problem !== null)) process.exitCode = 1;
    });
  addModelOptions(
    command
      .command("add <folder>")
      .description("copy a folder's model to its place in MODELS_DIR, and show how it is described"),
  )
    .option("--json", "print one JSON object")
    .action(async (folder: string, { json, ...flags }: ModelFlags & { json?: boolean }) => {
      const { folder: modelsFolder } = loadConfig(process.env).models;
      const model = await chooseModel({ ...flags, folder }, modelsFolder);
      const place = modelFolder(model, modelsFolder);
      const { id, revision, dimensions, maxTokens, pooling } = model;
      const about = `${dimensions} dimensions, ${maxTokens} tokens, pooling ${pooling}`;
      printResult(model, json, `${id} is in ${place}, revision ${revision}: ${about}.`);
    });
  command
    .command("pull <model>")
    .description("fetch a model's files from the Hugging Face hub into MODELS_DIR")
    .option("--json", "print one JSON object")
    .action(async (id: string, { json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const model = models.get(id) ?? unlisted(id);
      using bars = progressBars();
      const bar = bars.add("pulling", "bytes");
      const manifest = await pullModel({
        model,
        modelsFolder: config.models.folder,
        hub: config.models.hub,
        onProgress: ({ receivedBytes, totalBytes }) => bar.update(receivedBytes, totalBytes),
      });
      const folder = modelFolder(model, config.models.folder);
      const next =
        "onnx/model.onnx" in manifest.files ? "" : ` It has no graph yet: run \`reembed model prepare ${id}\`.`;
      printResult({ folder, ...manifest }, json, `${id} is in ${folder}.${next}`);
    });
  registerModelPrepare(command);
}

/** A repository of the hub that is not in the catalogue. Its files say what it is. */
function unlisted(id: string): Pick<Model, "id" | "revision" | "bundled"> {
  if (isModelId(id) && id.includes("/")) return { id, revision: unpinned, bundled: false };
  throw new ReembedError(
    "model_unknown",
    `There is no model ${id}: neither in the catalogue, nor named as on the hub.`,
    {
      exitCode: 2,
      remedy: "`reembed model list --catalogue` lists the catalogue; on the hub a model is named owner/name.",
    },
  );
}

async function findInstalled(id: string, settings: Settings): Promise<Model> {
  const { folder } = settings.models;
  const pinned = models.get(id);
  if (pinned !== undefined && pinned.revision !== unpinned) return pinned;
  return await chooseModel({ model: id, ...anyPrompts }, folder);
}

function printCatalogue(json: boolean | undefined): void {
  const table = formatTable([
    ["profile", "model", "dimensions", "tokens", "pooling", "runs", "licence"],
    ...catalogue.map((entry) => [
      ...[entry.profile, entry.id, `${entry.dimensions}`, `${entry.maxTokens}`, entry.pooling ?? ""],
      ...[entry.runs, entry.licence],
    ]),
  ]);
  const lines = json ? catalogue.map((entry) => JSON.stringify(entry)) : [table];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function printStates(states: readonly ModelState[], json: boolean | undefined): void {
  const table = formatTable([
    ["model", "dimensions", "tokens", "prepared", "files"],
    ...states.map(({ model, dimensions, maxTokens, prepared, problem }) => [
      model,
      `${dimensions}`,
      `${maxTokens}`,
      prepared.map(({ device, dtype }) => `${device} ${dtype}`).join(", "),
      problem === null ? "complete" : "unusable",
    ]),
  ]);
  const problems = states.flatMap(({ problem, remedy }) =>
    problem === null ? [] : [`\n${problem}\n  ${remedy ?? ""}`],
  );
  const lines = json ? states.map((state) => JSON.stringify(state)) : [table, ...problems];
  process.stdout.write(`${lines.join("\n").trimEnd()}\n`);
}
