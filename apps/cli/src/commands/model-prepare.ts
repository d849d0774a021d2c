import { loadConfig } from "@reembed/config";
import { formatTable, type Model, type Pooling } from "@reembed/core";
import { type Dtype, devices, type PreparedDevice } from "@reembed/embedder";
import { anyPrompts, chooseModel } from "@reembed/migration/profiles";
import { type Fidelity, leastCosines, type Preparation } from "@reembed/model-builder/prepare";
import { type Command, Option } from "commander";
import { prepareAndSay } from "../hosting/prepare-model.ts";
import { numberBetween } from "../options.ts";
import { printResult } from "../output/print.ts";
import { poolingOption } from "./model-options.ts";

interface PrepareFlags {
  device: PreparedDevice;
  dtype?: Dtype;
  minCosine?: number;
  pooling?: Pooling;
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
    .addOption(poolingOption())
    .option("--json", "print one JSON object")
    .action(async (id: string, flags: PrepareFlags) => {
      const { device, json, pooling, ...wish } = flags;
      const { folder: modelsFolder } = loadConfig(process.env).models;
      // A graph has no prompts in it.
      const model = await chooseModel({ model: id, pooling, ...anyPrompts }, modelsFolder);
      const preparation = await prepareAndSay(model, { modelsFolder, device, ...wish });
      const { calibration, fidelity, reference, folder, manifest } = preparation;
      const { dtype, smoothed } = manifest;
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
