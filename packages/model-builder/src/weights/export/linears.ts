import { type StoredTensor, transposeOf } from "../stored-tensor.ts";
import type { Graph, GraphNode } from "./graph.ts";

/** A product with a constant matrix, and the bias that is added to it. */
export interface Linear {
  /** [in, out] */
  readonly weight: StoredTensor;
  readonly weightValue: string;
  readonly biasValue: string | undefined;
  readonly input: string;
  /** The value before the bias is added; equal to `output` if there is no bias or one operator does both. */
  readonly product: string;
  readonly output: string;
}

// ONNX Runtime fuses products with scaling and activations.
const products: readonly string[] = ["MatMul", "FusedMatMul", "Gemm", "FusedGemm"];

/** The linear layers of a graph in the order in which they run. */
export function readLinears(graph: Graph): Linear[] {
  return graph.nodes.flatMap((node) => readLinear(graph, node) ?? []);
}

function readLinear(graph: Graph, node: GraphNode): Linear | undefined {
  const { opType, attributes } = node;
  const [input, weightValue, addend] = node.inputs;
  const [product] = node.outputs;
  if (!products.includes(opType) || product === undefined) return undefined;
  if (input === undefined || weightValue === undefined || isScaled(node)) return undefined;
  const stored = graph.constant(weightValue);
  if (stored?.dims.length !== 2) return undefined;
  const weight = attributes.get("transB")?.[0] === 1 ? transposeOf(stored) : stored;
  const linear = { weight, weightValue, input, product };
  if (opType.endsWith("Gemm")) return { ...linear, biasValue: addend, output: product };
  return { ...linear, ...findBias(graph, product, weight.dims[1]) };
}

/** Whether the product transposes its input or has a factor, which no layer of an encoder does. */
function isScaled({ attributes }: GraphNode): boolean {
  const factors = ["alpha", "beta"].map((name) => attributes.get(name)?.[0] ?? 1);
  return attributes.get("transA")?.[0] === 1 || factors.some((factor) => factor !== 1);
}

function findBias(graph: Graph, product: string, width: number | undefined) {
  const copies = graph.copies(product);
  for (const node of copies.flatMap((copy) => graph.consumers(copy))) {
    const biasValue = addendsOf(node, copies).find((value) => graph.constant(value)?.dims.join() === `${width}`);
    // If the addition is fused with the next step, this output is not the layer's own, but nothing else identifies it.
    if (biasValue !== undefined) return { biasValue, output: node.outputs[0] ?? product };
  }
  return { biasValue: undefined, output: product };
}

/** ONNX Runtime fuses the addition of a bias with the next step: the activation, or the residual and LayerNorm. */
function addendsOf({ opType, inputs }: GraphNode, products: readonly string[]): readonly string[] {
  if (opType === "Add") return inputs.filter((input) => !products.includes(input));
  if (opType === "BiasGelu" || opType === "FastGelu") return inputs.slice(1, 2);
  return opType === "SkipLayerNormalization" ? inputs.slice(4, 5) : [];
}
