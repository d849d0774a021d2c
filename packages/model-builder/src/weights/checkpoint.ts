import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReembedError } from "@reembed/core";
import { readSafetensors } from "./safetensors.ts";
import { type StoredTensor, transposeOf } from "./stored-tensor.ts";
import { readTorchFile } from "./torch/read-torch-file.ts";
import { damaged, WeightFile } from "./weight-file.ts";
import { isLinearWeight, prefixOf, spellingsOf } from "./weight-names.ts";
import type { WeightSource } from "./weight-source.ts";

/** Opens .safetensors files or files of torch.save, which have PyTorch's names and orientation of matrices. */
export async function openCheckpoint(folder: string, paths: readonly string[]): Promise<WeightSource> {
  await using scope = new AsyncDisposableStack();
  const tensors = new Map<string, StoredTensor>();
  for (const path of paths) {
    const file = scope.use(await WeightFile.open(folder, path));
    const read = path.endsWith(".bin") ? readTorchFile(folder, file) : readSafetensors(file);
    for (const [name, tensor] of await read) tensors.set(name, tensor);
  }
  return new Checkpoint(paths, tensors, prefixOf(paths.join(", "), tensors.keys()), scope.move());
}

/** The files of a checkpoint in shards, from its `model.safetensors.index.json` or `pytorch_model.bin.index.json`. */
export async function readShardPaths(folder: string, indexPath: string): Promise<string[]> {
  const text = await readFile(join(folder, indexPath), "utf8");
  try {
    const index = JSON.parse(text) as { weight_map: Record<string, string> };
    return [...new Set(Object.values(index.weight_map))].sort();
  } catch (cause) {
    throw damaged(indexPath, "has no weight_map", cause);
  }
}

class Checkpoint implements WeightSource {
  readonly files: readonly string[];
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #prefix: string;
  readonly #opened: AsyncDisposable;

  constructor(
    files: readonly string[],
    tensors: ReadonlyMap<string, StoredTensor>,
    prefix: string,
    opened: AsyncDisposable,
  ) {
    this.files = files;
    this.#tensors = tensors;
    this.#prefix = prefix;
    this.#opened = opened;
  }

  find(name: string): StoredTensor | undefined {
    const spelling = spellingsOf(this.#prefix, name).find((candidate) => this.#tensors.has(candidate));
    const tensor = this.#tensors.get(spelling ?? "");
    return tensor?.dims.length === 2 && isLinearWeight(name) ? transposeOf(tensor) : tensor;
  }

  missing(name: string): ReembedError {
    return new ReembedError("weights_incomplete", `${this.files.join(", ")} has no tensor ${this.#prefix}${name}.`, {
      remedy:
        "Only encoders whose tensors have the names of Hugging Face's BertModel, DistilBertModel or MPNetModel can be read.",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}
