import { columnsOf, rowsOf, type StoredTensor } from "../stored-tensor.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Linear } from "./linears.ts";

interface Projection {
  readonly weight: StoredTensor | undefined;
  readonly bias: StoredTensor | undefined;
}

/**
 * The projections to query, key and value of an attention in which they are packed into one matrix [in, 3 out] or have
 * no names. Their use tells which is which: softmax(query keyᵀ) value.
 * @param context The output of the attention, which is the input of `attention.output.dense`.
 */
export function readProjections(graph: Graph, linears: readonly Linear[], context: string): Projection[] {
  const attention = nearest(graph, context, /Attention$|MatMul$/);
  const [first, second, third, fourth] = attention?.inputs ?? [];
  if (attention?.opType === "Attention" && graph.constant(second) !== undefined) {
    return thirdsOf(graph.constant(second), graph.constant(third));
  }
  if (attention?.opType.endsWith("Attention")) {
    const biases = thirdsOf(undefined, graph.constant(fourth));
    const projections = [first, second, third].map((factor) => projectionTo(graph, linears, factor));
    return onlyIfThree(projections.map(({ weight, bias }, at) => ({ weight, bias: bias ?? biases[at]?.bias })));
  }
  const scores = nearest(graph, first, /MatMul$/);
  const factors = [scores?.inputs[0], scores?.inputs[1], second];
  return onlyIfThree(factors.map((factor) => projectionTo(graph, linears, factor)));
}

/** Rejects graphs of another form, where all three lead to one layer of the block before, or to a layer without bias. */
function onlyIfThree(projections: Projection[]): Projection[] {
  const areThree = new Set(projections.map(({ weight }) => weight)).size === 3;
  return areThree && projections.every(({ bias }) => bias !== undefined) ? projections : [];
}

/** The linear layer that a factor of the attention comes from, or the third of it that a Split returns. */
function projectionTo(graph: Graph, linears: readonly Linear[], factor: string | undefined): Projection {
  const outputs = new Map(linears.map((linear) => [linear.output, linear]));
  const value = graph.upstream(factor, (name) => outputs.has(name) || graph.producer(name)?.opType === "Split") ?? "";
  const split = graph.producer(value);
  const linear = outputs.get(value) ?? outputs.get(split?.inputs[0] ?? "");
  const whole = { weight: linear?.weight, bias: graph.constant(linear?.biasValue) };
  if (split?.opType !== "Split") return whole;
  const isInThirds = split.outputs.length === 3 && [-1, 2].includes(split.attributes.get("axis")?.[0] ?? 0);
  const part = isInThirds ? thirdsOf(whole.weight, whole.bias)[split.outputs.indexOf(value)] : undefined;
  return part ?? { weight: undefined, bias: undefined };
}

function nearest(graph: Graph, value: string | undefined, opTypes: RegExp): GraphNode | undefined {
  return graph.producer(graph.upstream(value, (name) => opTypes.test(graph.producer(name)?.opType ?? "")));
}

function thirdsOf(weight: StoredTensor | undefined, bias: StoredTensor | undefined): Projection[] {
  return [0, 1, 2].map((index) => {
    const third = (size = 0): [number, number] => [(size * index) / 3, (size * (index + 1)) / 3];
    return {
      weight: weight && columnsOf(weight, ...third(weight.dims[1])),
      bias: bias && rowsOf(bias, ...third(bias.dims[0])),
    };
  });
}
