export { encodeVector } from "./golden-vector.ts";
export { findModelFolder, installFolder, type ModelSourceFolder } from "./install-folder.ts";
export {
  exists,
  exportedGraph,
  findExport,
  manifestName,
  preparedName,
  recordFiles,
  requiredFiles,
} from "./model-files.ts";
export { pinModel, readFilesRevision } from "./pin-model.ts";
export { builderVersion, graphName, type PreparedManifest, preparedFolder, readPrepared } from "./prepared-graph.ts";
export { type FolderFacts, readModelFolder } from "./read-model-folder.ts";
