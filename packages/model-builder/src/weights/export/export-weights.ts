import { ReembedError } from "@reembed/core";
import type { StoredTensor } from "../stored-tensor.ts";
import { isLinearWeight, spellingsOf } from "../weight-names.ts";
import type { WeightSource } from "../weight-source.ts";
import { readProjections } from "./attention-projections.ts";
import type { Graph } from "./graph.ts";
import { nextLayerNorm } from "./layer-norms.ts";
import { type Linear, readLinears } from "./linears.ts";

/**
 * The weights of an exported graph. Exporters keep the names of embeddings, biases and LayerNorms. A matrix that they
 * transposed loses its name, but can be found by its bias: the bias is added to the product with that matrix.
 */
export class ExportWeights implements WeightSource {
  readonly files: readonly string[];
  readonly #graph: Graph;
  readonly #linears: readonly Linear[];
  readonly #prefix: string;
  readonly #opened: AsyncDisposable;

  constructor(files: readonly string[], graph: Graph, prefix: string, opened: AsyncDisposable) {
    this.files = files;
    this.#graph = graph;
    this.#linears = readLinears(graph);
    this.#prefix = prefix;
    this.#opened = opened;
  }

  find(name: string): StoredTensor | undefined {
    if (isLinearWeight(name)) return this.#linear(name)?.weight ?? this.#projection(name);
    const spellings = spellingsOf(this.#prefix, name);
    const named = spellings.map((spelling) => this.#graph.constant(spelling)).find((tensor) => tensor !== undefined);
    return named ?? this.#biasOfNamedWeight(name) ?? this.#layerNorm(name) ?? this.#projection(name);
  }

  missing(name: string): ReembedError {
    return new ReembedError("weights_incomplete", `${this.files[0]} does not show which of its tensors is ${name}.`, {
      remedy: "The exported graph can still be run. To prepare the model, copy its model.safetensors into its folder.",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }

  /** Finds a linear layer by the name of its weight or bias, unless several layers share that tensor. */
  #linear(weightName: string): Linear | undefined {
    const weights = spellingsOf(this.#prefix, weightName);
    const biases = spellingsOf(this.#prefix, weightName.replace(/weight$/, "bias"));
    const ways: ((linear: Linear) => boolean)[] = [
      ({ weightValue }) => weights.includes(this.#graph.nameOf(weightValue) ?? ""),
      ({ biasValue }) => biasValue !== undefined && biases.includes(this.#graph.nameOf(biasValue) ?? ""),
    ];
    for (const way of ways) {
      const [linear, ...others] = this.#linears.filter(way);
      if (linear !== undefined && others.length === 0) return linear;
    }
    return undefined;
  }

  #biasOfNamedWeight(name: string): StoredTensor | undefined {
    const weightName = name.replace(/bias$/, "weight");
    return isLinearWeight(weightName) ? this.#graph.constant(this.#linear(weightName)?.biasValue) : undefined;
  }

  /** The LayerNorm that follows a dense layer or the embeddings, unless it has another tensor's name. */
  #layerNorm(name: string): StoredTensor | undefined {
    const [, owner, parameter] = name.match(/^(.+)\.LayerNorm\.(weight|bias)$/) ?? [];
    if (owner === undefined) return undefined;
    const words = `${this.#prefix}embeddings.word_embeddings.weight`;
    const start = owner === "embeddings" ? words : this.#linear(`${owner}.dense.weight`)?.product;
    const norm = start === undefined ? undefined : nextLayerNorm(this.#graph, start);
    const value = parameter === "weight" ? norm?.weightValue : norm?.biasValue;
    return value !== undefined && this.#graph.nameOf(value) === undefined ? this.#graph.constant(value) : undefined;
  }

  #projection(name: string): StoredTensor | undefined {
    const [, layer, projection = "", parameter] =
      name.match(/^(encoder\.layer\.\d+)\.attention\.self\.(query|key|value)\.(weight|bias)$/) ?? [];
    const output = layer === undefined ? undefined : this.#linear(`${layer}.attention.output.dense.weight`);
    if (output === undefined) return undefined;
    const projections = readProjections(this.#graph, this.#linears, output.input);
    const found = projections[["query", "key", "value"].indexOf(projection)];
    return parameter === "weight" ? found?.weight : found?.bias;
  }
}
