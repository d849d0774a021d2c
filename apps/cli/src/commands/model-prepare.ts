import { loadConfig } from "@reembed/config";
import { formatTable, type Model, models } from "@reembed/core";
import { type Dtype, devices, modelFolder, type PreparedDevice } from "@reembed/embedder";
import { readSampleTexts } from "@reembed/migration/load";
import {
  describeModel,
  type Fidelity,
  leastCosines,
  type Preparation,
  prepareModel,
} from "@reembed/model-builder/prepare";
import { type Command, Option } from "commander";
import { numberBetween } from "../options.ts";
import { printResult } from "../output/print.ts";

interface PrepareFlags {
  device: PreparedDevice;
  dtype?: Dtype;
  minCosine?: number;
  json?: boolean;
}

/** Adds `reembed model prepare` to the command `model`. */
export function registerModelPrepare(command: Command): void {
  command
    .command("prepare <model>")
    .description("build the fastest graph for a device, and install it if its vectors agree with the original ones")
    .addOption(new Option("--device <device>", "device to build it for").choices(devices).default("cpu"))
    .addOption(
      new Option("--dtype <dtype>", "number format of the weights (default: int8 on a CPU, otherwise fp16)").choices(
        Object.keys(leastCosines),
      ),
    )
    .option(
      "--min-cosine <cosine>",
      `least cosine similarity that is accepted (default: ${describeLeast()})`,
      numberBetween(-1, 1),
    )
    .option("--json", "print one JSON object")
    .action(async (id: string, flags: PrepareFlags) => {
      const { device, dtype = device === "cpu" ? "int8" : "fp16", minCosine, json } = flags;
      const config = loadConfig(process.env);
      const model = models.get(id) ?? (await describeModel(id, config.models.folder));
      const preparation = await prepareModel({
        model,
        folder: modelFolder(model, config.models.folder),
        device,
        dtype,
        minCosine,
        ...(await readSampleTexts()),
        onStep: (step) => process.stderr.write(`${step}\n`),
      });
      const { calibration, fidelity, reference, folder, manifest } = preparation;
      const { smoothed } = manifest;
      const result = { model: id, device, dtype, folder, reference, smoothed, ...fidelity, calibration };
      printResult(result, json, describe(model, flags, preparation));
    });
}

function describe({ id }: Model, { device }: PrepareFlags, preparation: Preparation): string {
  const { manifest, calibration, fidelity, folder, reference } = preparation;
  const against = reference === "export" ? "the exported graph" : "the original weights";
  const rows: [string, Fidelity][] =
    calibration === undefined
      ? [[manifest.dtype, fidelity]]
      : [
          [`${manifest.dtype} without calibration`, calibration.without],
          [`${manifest.dtype} with calibration`, calibration.with],
        ];
  const table = formatTable([
    [`against ${against}`, "least cosine", "overlap@10", ""],
    ...rows.map(([name, { leastCosine, overlap10 }]) => [
      name,
      leastCosine.toFixed(5),
      overlap10.toFixed(3),
      leastCosine === fidelity.leastCosine ? "installed" : "",
    ]),
  ]);
  return `${id} is prepared for ${device}, in ${folder}.\n${table}`;
}

function describeLeast(): string {
  return Object.entries(leastCosines)
    .map(([dtype, cosine]) => `${cosine} for ${dtype}`)
    .join(", ");
}
