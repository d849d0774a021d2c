export type { VectorType } from "./exposed-vectors.ts";
export {
  type CreatedExposure,
  createExposure,
  planExposure,
  readExposures,
  removeExposure,
} from "./exposure.ts";
export { buildExposedIndex, servingIndex } from "./served-by.ts";
