import type { Graph, GraphNode } from "./graph.ts";

export interface LayerNorm {
  readonly weightValue: string | undefined;
  readonly biasValue: string | undefined;
}

/** The first LayerNorm after a value: a single operator, one fused with the residual, or a dozen arithmetic operators. */
export function nextLayerNorm(graph: Graph, value: string): LayerNorm | undefined {
  const queue = [value];
  const seen = new Set(queue);
  for (const current of queue) {
    for (const node of graph.consumers(current)) {
      const norm = readLayerNorm(graph, node);
      if (norm !== undefined) return norm;
      queue.push(...node.outputs.filter((output) => !seen.has(output)));
      for (const output of node.outputs) seen.add(output);
    }
  }
  return undefined;
}

function readLayerNorm(graph: Graph, node: GraphNode): LayerNorm | undefined {
  const { opType, inputs } = node;
  if (opType === "LayerNormalization") return { weightValue: inputs[1], biasValue: inputs[2] };
  if (opType === "SkipLayerNormalization") return { weightValue: inputs[2], biasValue: inputs[3] };
  if (opType === "EmbedLayerNormalization") return { weightValue: inputs[5], biasValue: inputs[6] };
  const shifted = withVector(graph, node, "Add");
  const scaled = shifted && withVector(graph, graph.producer(shifted.other), "Mul");
  const quotient = scaled && graph.producer(graph.original(scaled.other));
  if (quotient?.opType !== "Div") return undefined;
  return { weightValue: scaled?.vector, biasValue: shifted?.vector };
}

/** The constant vector and the other operand of an addition or multiplication, in either order. */
function withVector(graph: Graph, node: GraphNode | undefined, opType: string) {
  if (node?.opType !== opType) return undefined;
  const vector = node.inputs.find((input) => graph.constant(input)?.dims.length === 1);
  const other = node.inputs.find((input) => input !== vector);
  return vector === undefined || other === undefined ? undefined : { vector, other };
}
