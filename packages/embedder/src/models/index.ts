export { exists, exportedGraph, manifestName, preparedName, recordFiles, requiredFiles } from "./model-files.ts";
export { builderVersion, encodeVector, graphName, type PreparedManifest, preparedFolder } from "./prepared-graph.ts";
