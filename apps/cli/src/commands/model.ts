import { loadConfig } from "@reembed/config";
import { formatTable, type Model, models, ReembedError } from "@reembed/core";
import { inspectModel, type ModelState, modelFolder, pullModel } from "@reembed/embedder";
import type { Command } from "commander";
import { printResult } from "../output/print.ts";
import { progressBars } from "../output/progress-bars.ts";
import { registerModelPrepare } from "./model-prepare.ts";

export function registerModel(program: Command): void {
  const command = program.command("model").description("list, fetch, check and prepare the embedding models");
  command
    .command("list")
    .description("list the registered models, and whether their files are on this host")
    .option("--json", "print one JSON object per model")
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      printStates(await Promise.all([...models.values()].map((model) => inspectModel(config, model))), json);
    });
  command
    .command("check [model]")
    .description("check the files of a model, or of every model, against their hashes")
    .option("--json", "print one JSON object per model")
    .action(async (id: string | undefined, { json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const wanted = id === undefined ? [...models.values()] : [findModel(id)];
      const states = await Promise.all(wanted.map((model) => inspectModel(config, model)));
      printStates(states, json);
      if (states.some((state) => state.problem !== null)) process.exitCode = 1;
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
      const next =
        "onnx/model.onnx" in manifest.files ? "" : ` It has no graph yet: run \`reembed model prepare ${id}\`.`;
      printResult({ folder, ...manifest }, json, `${id} is in ${folder}.${next}`);
    });
  registerModelPrepare(command);
}

function findModel(id: string): Model {
  const model = models.get(id);
  if (model !== undefined) return model;
  throw new ReembedError("model_unknown", `There is no model ${id}; the models are ${[...models.keys()].join(", ")}.`, {
    exitCode: 2,
  });
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
