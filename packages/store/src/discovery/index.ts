export { type Installation, readOtherInstallations } from "./installations.ts";
export { type BlockOfTexts, readTableSize, readTextBlocks, type TableLeaf } from "./text-sample.ts";
export { readCollections, type SampledVectors, sampleVectors } from "./vector-sample.ts";
export {
  type CatalogueColumn,
  type Reference,
  readVectorTables,
  type VectorIndex,
  type VectorTable,
} from "./vector-tables.ts";
