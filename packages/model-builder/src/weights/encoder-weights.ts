import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { exists } from "@reembed/embedder/models";
import { openCheckpoint, readShardPaths } from "./checkpoint.ts";
import { openExport } from "./export/open-export.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { WeightSource } from "./weight-source.ts";

/**
 * One tensor of a model's weights. Linear weights have the orientation that MatMul takes, [in, out] in row-major order,
 * whatever their file has.
 */
export interface WeightTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /**
   * Reads rows [start, end) of the first dimension as float32 in row-major order, into a new array. Read large tables in
   * blocks of rows. Linear weights whose file has the transpose are always read as a whole.
   */
  readRows(start: number, end: number): Promise<Float32Array>;
}

/**
 * The weights of an encoder, by the names of Hugging Face's BertModel without a prefix:
 * `embeddings.word_embeddings.weight`, `encoder.layer.0.attention.self.query.weight`, … DistilBERT's and MPNet's are found
 * by these names too.
 */
export interface EncoderWeights extends AsyncDisposable {
  /** The files that they are read from, relative to the model's folder. */
  readonly files: readonly string[];
  /**
   * Finds a tensor without reading it. The dimensions of linear weights are [in, out].
   * @throws ReembedError `weights_incomplete` if it does not exist, `weights_differ` if it has other dimensions.
   */
  tensor(name: string, dims: readonly number[]): WeightTensor;
}

const safetensors = "model.safetensors";
const torchFile = "pytorch_model.bin";
const exports: readonly string[] = ["onnx/model.onnx", "model.onnx"];

/**
 * Opens the weights in a model's folder: `model.safetensors`, whole or in shards, or else the ONNX export in
 * `onnx/model.onnx` or `model.onnx`, or else `pytorch_model.bin`, whole or in shards. Safetensors is preferred because every
 * tensor has its name there. Exporters leave most matrices without a name, so that their place must be inferred from the
 * graph; but an export that is there is what the model's vectors were made with.
 * @throws ReembedError `weights_missing`, `weights_damaged`, `weights_quantised` or `weights_unsupported`.
 */
export async function openEncoderWeights(folder: string): Promise<EncoderWeights> {
  const source =
    (await findCheckpoint(folder, safetensors)) ??
    (await findExported(folder)) ??
    (await findCheckpoint(folder, torchFile));
  if (source !== undefined) return checked(source);
  throw withoutWeights(folder, [safetensors, ...exports, torchFile]);
}

/**
 * Opens the weights of another module of a sentence-transformers model, such as `2_Dense` with `linear.weight` and
 * `linear.bias`.
 * @throws ReembedError `weights_missing`, `weights_damaged` or `weights_unsupported`.
 */
export async function openModuleWeights(folder: string, module: string): Promise<EncoderWeights> {
  const paths = [`${module}/${safetensors}`, `${module}/${torchFile}`];
  for (const path of paths) {
    if (await exists(join(folder, path))) return checked(await openCheckpoint(folder, [path]));
  }
  throw withoutWeights(folder, paths);
}

/** @param path The file of the whole checkpoint; that of its shards has `.index.json` at its end. */
async function findCheckpoint(folder: string, path: string): Promise<WeightSource | undefined> {
  if (await exists(join(folder, path))) return await openCheckpoint(folder, [path]);
  const index = `${path}.index.json`;
  if (!(await exists(join(folder, index)))) return undefined;
  return await openCheckpoint(folder, await readShardPaths(folder, index));
}

async function findExported(folder: string): Promise<WeightSource | undefined> {
  for (const path of exports) if (await exists(join(folder, path))) return await openExport(folder, path);
  return undefined;
}

function withoutWeights(folder: string, expected: readonly string[]): ReembedError {
  return new ReembedError("weights_missing", `${folder} has none of ${expected.join(", ")}.`, {
    remedy: "Download one of them from where the model's other files came from.",
  });
}

function checked(source: WeightSource): EncoderWeights {
  return {
    files: source.files,
    tensor(name, dims) {
      const found = source.find(name);
      if (found === undefined) throw source.missing(name);
      if (found.dims.join() !== dims.join()) {
        const shapes = `is ${found.dims.join(" x ")}; ${dims.join(" x ")} was expected`;
        throw new ReembedError("weights_differ", `${name} of ${source.files[0]} ${shapes}.`, {
          remedy: "Check that config.json belongs to these weights.",
        });
      }
      return { name, dims: found.dims, readRows: async (start, end) => await readRows(name, found, start, end) };
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

async function readRows(name: string, tensor: StoredTensor, start: number, end: number): Promise<Float32Array> {
  const [rows = 0] = tensor.dims;
  if (start < 0 || start > end || end > rows) {
    throw new RangeError(`Rows ${start} to ${end} of ${name} were requested, but it has ${rows}`);
  }
  return await tensor.readRows(start, end);
}
