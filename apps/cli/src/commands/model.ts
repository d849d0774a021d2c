import { type Config, loadConfig } from "@reembed/config";
import { type Model, messageOf, models, ReembedError } from "@reembed/core";
import { modelFolder, pullModel, verifyModelFiles } from "@reembed/embedder";
import type { Command } from "commander";
import { formatTable, printResult } from "../output.ts";
import { progressBars } from "../progress.ts";

interface ModelState {
  model: string;
  revision: string;
  dimensions: number;
  maxTokens: number;
  folder: string;
  /** Undefined when every file is there and unaltered. */
  problem: string | undefined;
}

export function registerModel(program: Command): void {
  const command = program.command("model").description("the embedding models and their files");
  command
    .command("list")
    .description("the registered models, and whether their files are here")
    .option("--json", "print one JSON object per model")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      printStates(await Promise.all([...models.values()].map((model) => inspect(config, model))), json);
    });
  command
    .command("check [model]")
    .description("check the files of a model, or of every model, against their hashes")
    .option("--json", "print one JSON object per model")
    .action(async (id: string | undefined, { json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const wanted = id === undefined ? [...models.values()] : [findModel(id)];
      const states = await Promise.all(wanted.map((model) => inspect(config, model)));
      printStates(states, json);
      if (states.some((state) => state.problem !== undefined)) process.exitCode = 1;
    });
  command
    .command("pull <model>")
    .description("fetch a model's files from the Hugging Face hub into MODELS_DIR")
    .option("--json", "print one JSON object")
    .action(async (id: string, { json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const model = findModel(id);
      using bars = progressBars();
      const bar = bars.add("pulling", "bytes");
      const manifest = await pullModel({
        model,
        modelsFolder: config.models.folder,
        hub: config.models.hub,
        onProgress: ({ receivedBytes, totalBytes }) => bar.update(receivedBytes, totalBytes),
      });
      const folder = modelFolder(model, config.models.folder);
      printResult({ folder, ...manifest }, json, `${id} is in ${folder}.`);
    });
}

function findModel(id: string): Model {
  const model = models.get(id);
  if (model !== undefined) return model;
  throw new ReembedError("model_unknown", `There is no model ${id}; there are ${[...models.keys()].join(", ")}.`, {
    exitCode: 2,
  });
}

async function inspect(config: Config, model: Model): Promise<ModelState> {
  const { id, revision, dimensions, maxTokens } = model;
  const problem = await verifyModelFiles(model, config.models.folder).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
  return { model: id, revision, dimensions, maxTokens, folder: modelFolder(model, config.models.folder), problem };
}

function printStates(states: readonly ModelState[], json: boolean | undefined): void {
  const table = formatTable([
    ["model", "dimensions", "tokens", "files"],
    ...states.map((state) => [state.model, `${state.dimensions}`, `${state.maxTokens}`, state.problem ?? "complete"]),
  ]);
  const lines = json ? states.map((state) => JSON.stringify(state)) : [table];
  process.stdout.write(`${lines.join("\n")}\n`);
}
