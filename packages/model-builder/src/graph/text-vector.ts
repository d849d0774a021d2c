import type { EncoderWeights } from "../weights/encoder-weights.ts";
import type { EncoderShape } from "./encoder-shape.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { ElementType } from "./model-writer.ts";

interface TextVectorOptions {
  shape: EncoderShape;
  /** Weights of the dense layer that changes the vector's dimensions, if the shape has one. */
  dense?: EncoderWeights | undefined;
  /** Element type of the pooled values. */
  elementType: ElementType;
}

/** Adds the steps from pooled values to the vector of a text: the dense layer, and scaling to length 1 in float32. */
export async function addTextVector(graph: GraphBuilder, pooled: string, options: TextVectorOptions): Promise<void> {
  const { shape, elementType } = options;
  const floats = elementType === "float16" ? graph.add("Cast", [pooled], { to: { elementType: "float32" } }) : pooled;
  const vector = await addDense(graph, floats, options);
  const unit = graph.add("Div", [vector, graph.add("ReduceL2", [vector], { axes: { ints: [-1] } })]);
  graph.output(unit, "sentence_embedding", "float32", ["texts", shape.dimensions]);
}

async function addDense(graph: GraphBuilder, vector: string, { shape, dense }: TextVectorOptions): Promise<string> {
  if (dense === undefined) return vector;
  const { hidden, dimensions } = shape;
  const weight = await dense.tensor("linear.weight", [hidden, dimensions]).readRows(0, hidden);
  const bias = await dense.tensor("linear.bias", [dimensions]).readRows(0, dimensions);
  const product = graph.add("MatMul", [vector, await graph.weight("dense.weight", [hidden, dimensions], weight)]);
  const sum = graph.add("Add", [product, await graph.weight("dense.bias", [dimensions], bias)]);
  return shape.dense?.activation === "tanh" ? graph.add("Tanh", [sum]) : sum;
}
