export { encodeVector } from "./golden-vector.ts";
export { exists, exportedGraph, manifestName, preparedName, recordFiles, requiredFiles } from "./model-files.ts";
export { builderVersion, graphName, type PreparedManifest, preparedFolder } from "./prepared-graph.ts";
