import { readFile } from "node:fs/promises";
import { join } from "node:path";
import onnxProto from "onnx-proto";
import { fixtures } from "./exported-encoders.ts";

export type ExportedGraph = onnxProto.onnx.GraphProto;
const { ModelProto } = onnxProto.onnx;

/** The bytes of a fixture with a changed graph, like the output of another exporter or tool. */
export async function rewriteExport(path: string, change: (graph: ExportedGraph) => void): Promise<Uint8Array> {
  const model = ModelProto.decode(await readFile(join(fixtures, path)));
  change(model.graph as ExportedGraph);
  return ModelProto.encode(model).finish();
}

/** Renames values where they are computed and wherever they are used. */
export function renameValues(graph: ExportedGraph, rename: (name: string) => string): void {
  for (const tensor of graph.initializer) tensor.name = rename(tensor.name ?? "");
  for (const node of graph.node) {
    node.input = (node.input ?? []).map(rename);
    node.output = (node.output ?? []).map(rename);
  }
}
