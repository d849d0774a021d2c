import onnxProto from "onnx-proto";

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
const { AttributeType } = AttributeProto;
const { DataType } = TensorProto;

// Opset 17 belongs to version 8 of the file format; ONNX Runtime reads both since 1.12.
const irVersion = 8;
const opset = 17;

const dataTypes = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
} as const;

export type ElementType = keyof typeof dataTypes;
export type Attribute =
  | { int: number }
  | { ints: number[] }
  | { float: number }
  | { string: string }
  | { elementType: ElementType };
export type TensorData = Float32Array | Float16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

export type Tensor = onnxProto.onnx.ITensorProto;
export type Node = onnxProto.onnx.INodeProto;
export type ValueInfo = onnxProto.onnx.IValueInfoProto;

export interface Graph {
  name: string;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  initializers: Tensor[];
  /** In execution order: a node reads only outputs of nodes before it. */
  nodes: Node[];
}

/** A constant of the graph, such as a weight. The class of the array determines the element type. */
export function tensor(name: string, dims: readonly number[], data: TensorData): Tensor {
  const elements = dims.reduce((product, dim) => product * dim, 1);
  if (elements !== data.length) {
    throw new RangeError(`Tensor ${name} has shape [${dims}], ${elements} elements, but ${data.length} values`);
  }
  return {
    name,
    dims: [...dims],
    dataType: dataTypes[elementTypeOf(data)],
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** The place of a tensor's values in a file next to the graph. */
export interface ExternalValues {
  /** Path relative to the graph's folder. */
  file: string;
  offset: number;
  sizeBytes: number;
}

/** A constant with its values in another file, which models of more than 2 GB need. */
export function externalTensor(
  name: string,
  elementType: ElementType,
  dims: readonly number[],
  { file, offset, sizeBytes }: ExternalValues,
): Tensor {
  const externalData = Object.entries({ location: file, offset, length: sizeBytes });
  return {
    name,
    dims: [...dims],
    dataType: dataTypes[elementType],
    dataLocation: TensorProto.DataLocation.EXTERNAL,
    externalData: externalData.map(([key, value]) => ({ key, value: `${value}` })),
  };
}

/** A call of an operator: `MatMul` of ONNX, or one of ONNX Runtime's own with its domain, `com.microsoft.BiasGelu`. */
export function node(
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
): Node {
  const { domain, opType } = splitOperator(operator);
  const attribute = Object.entries(attributes).map(([name, value]) => toAttribute(name, value));
  return { opType, domain, name: outputs[0] ?? opType, input: inputs, output: outputs, attribute };
}

export function splitOperator(operator: string): { domain: string; opType: string } {
  const end = operator.lastIndexOf(".");
  return { domain: operator.slice(0, Math.max(end, 0)), opType: operator.slice(end + 1) };
}

/** An input or output of the graph. A dimension given as a word, such as `batch`, is free. */
export function valueInfo(name: string, elementType: ElementType, dims: readonly (number | string)[]): ValueInfo {
  const dim = dims.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: dataTypes[elementType], shape: { dim } } } };
}

/** The bytes of an .onnx file. Protocol Buffers are limited to 2 GB: larger weights must be external data. */
export function encodeModel(graph: Graph): Uint8Array {
  const domains = new Set(graph.nodes.map((entry) => entry.domain).filter((domain) => domain));
  return ModelProto.encode({
    irVersion,
    producerName: "reembed",
    opsetImport: [{ domain: "", version: opset }, ...[...domains].sort().map((domain) => ({ domain, version: 1 }))],
    graph: {
      name: graph.name,
      input: graph.inputs,
      output: graph.outputs,
      initializer: graph.initializers,
      node: graph.nodes,
    },
  }).finish();
}

export function elementTypeOf(data: TensorData): ElementType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float16Array) return "float16";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Uint8Array) return "uint8";
  return data instanceof Int32Array ? "int32" : "int64";
}

function toAttribute(name: string, value: Attribute): onnxProto.onnx.IAttributeProto {
  if ("int" in value) return { name, type: AttributeType.INT, i: value.int };
  if ("ints" in value) return { name, type: AttributeType.INTS, ints: value.ints };
  if ("float" in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ("elementType" in value) return { name, type: AttributeType.INT, i: dataTypes[value.elementType] };
  return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value.string) };
}
