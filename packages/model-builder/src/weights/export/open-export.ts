import { ReembedError } from "@reembed/core";
import onnxProto from "onnx-proto";
import type { StoredTensor } from "../stored-tensor.ts";
import { damaged, WeightFile } from "../weight-file.ts";
import { prefixOf } from "../weight-names.ts";
import type { WeightSource } from "../weight-source.ts";
import { ExportWeights } from "./export-weights.ts";
import { ExternalFiles } from "./external-files.ts";
import { Graph, type GraphNode } from "./graph.ts";
import { type DecodedFile, placeTensor } from "./place-tensor.ts";

type GraphProto = onnxProto.onnx.IGraphProto;
type NodeProto = onnxProto.onnx.INodeProto;
const { AttributeType } = onnxProto.onnx.AttributeProto;

// Protocol Buffers have this limit.
const longestMessage = 2 ** 31 - 1;
const quantisation = /[Qq]uantize|MatMulInteger|ConvInteger|^Q[A-Z]|NBits|Bnb4|FpQ4/;

/**
 * Opens an .onnx file as exporters write it, with its weights inside or next to it. The file is read as a whole once; only
 * its graph and the positions of its tensors are kept.
 * @throws ReembedError `weights_missing`, `weights_damaged`, `weights_quantised` or `weights_unsupported`.
 */
export async function openExport(folder: string, path: string): Promise<WeightSource> {
  await using scope = new AsyncDisposableStack();
  const file = scope.use(await WeightFile.open(folder, path));
  const external = scope.use(new ExternalFiles(folder, file.path));
  if (file.sizeBytes > longestMessage) throw damaged(path, `has ${file.sizeBytes} bytes, more than ONNX allows`);
  const bytes = await file.readBytes(0, file.sizeBytes);
  const decoded = decodeGraph(path, bytes);
  const nodes = decoded.node ?? [];
  refuseQuantised(path, nodes);
  const constants = await placeConstants(decoded, { file, bytes, external });
  const prefix = prefixOf(path, constants.keys());
  const graph = new Graph(nodes.map(toGraphNode), constants);
  return new ExportWeights([file.path, ...external.paths], graph, prefix, scope.move());
}

function decodeGraph(path: string, bytes: Uint8Array): GraphProto {
  let graph: GraphProto | null | undefined;
  try {
    graph = onnxProto.onnx.ModelProto.decode(bytes).graph;
  } catch (cause) {
    throw damaged(path, "is not a whole ONNX file", cause);
  }
  if (!graph?.node?.length) throw damaged(path, "holds no graph");
  return graph;
}

function refuseQuantised(path: string, nodes: readonly NodeProto[]): void {
  const found = nodes.find(({ opType }) => quantisation.test(opType ?? ""));
  if (found === undefined) return;
  throw new ReembedError("weights_quantised", `${path} is quantised: it computes with ${found.opType}.`, {
    remedy: "Copy the float32 export there, or the model's model.safetensors next to config.json.",
  });
}

/** Collects initializers and outputs of the operator `Constant`. */
async function placeConstants(graph: GraphProto, decoded: DecodedFile): Promise<Map<string, StoredTensor>> {
  const constants = new Map<string, StoredTensor>();
  const values = (graph.node ?? []).map(({ opType, output, attribute }) => ({
    name: output?.[0],
    tensor: opType === "Constant" ? attribute?.find(({ name }) => name === "value")?.t : undefined,
  }));
  for (const { name, tensor } of [
    ...(graph.initializer ?? []).map((tensor) => ({ name: tensor.name, tensor })),
    ...values,
  ]) {
    const stored = tensor ? await placeTensor(tensor, decoded) : undefined;
    if (stored !== undefined) constants.set(name ?? "", stored);
  }
  return constants;
}

/** Only numeric attributes are kept: a tensor among them would keep the whole file in memory. */
function toGraphNode({ opType, input, output, attribute }: NodeProto): GraphNode {
  const attributes = new Map<string, number[]>();
  for (const { name, type, i, f, ints } of attribute ?? []) {
    if (type === AttributeType.INT) attributes.set(name ?? "", [Number(i)]);
    if (type === AttributeType.INTS) attributes.set(name ?? "", (ints ?? []).map(Number));
    if (type === AttributeType.FLOAT) attributes.set(name ?? "", [f ?? 0]);
  }
  return { opType: opType ?? "", inputs: input ?? [], outputs: output ?? [], attributes };
}
