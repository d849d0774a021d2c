import type { Model } from "@reembed/core";
import { type Dtype, modelFolder, type PreparedDevice } from "@reembed/embedder";
import { exists, findExport, readPrepared } from "@reembed/embedder/models";
import { readSampleTexts } from "@reembed/migration/load";
import { type Preparation, prepareModel } from "@reembed/model-builder/prepare";

export interface PrepareOptions {
  modelsFolder: string;
  device: PreparedDevice;
  dtype?: Dtype | undefined;
  minCosine?: number | undefined;
}

/** Builds the graph of a model for a device, in the number format that is the fastest there, and says each step. */
export async function prepareAndSay(
  model: Model,
  { modelsFolder, device, ...wish }: PrepareOptions,
): Promise<Preparation> {
  return await prepareModel({
    ...{ model, folder: modelFolder(model, modelsFolder), device, minCosine: wish.minCosine },
    dtype: wish.dtype ?? fastestDtype(device),
    ...(await readSampleTexts()),
    onStep: (step) => process.stderr.write(`${step}\n`),
  });
}

function fastestDtype(device: PreparedDevice): Dtype {
  return device === "cpu" ? "int8" : "fp16";
}

/**
 * Whether a model has weights alone, so that nothing runs it yet.
 * @throws ReembedError of `readPrepared` if the graph that is there is of another revision or pooling.
 */
export async function lacksGraph(model: Model, modelsFolder: string): Promise<boolean> {
  if (model.endpoint !== undefined || model.unknown) return false;
  const folder = modelFolder(model, modelsFolder);
  if (!(await exists(folder)) || (await readPrepared(model, folder, "cpu")) !== undefined) return false;
  return (await findExport(folder)) === undefined;
}
