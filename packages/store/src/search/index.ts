export {
  type AnnBuildGround,
  type AnnBuildProgress,
  type AnnBuildResources,
  type AnnIndex,
  type AnnIndexShape,
  analyzeVectors,
  annIndexName,
  createAnnIndex,
  dropAnnIndex,
  lacksSharedMemory,
  openSession,
  prepareBuild,
  readAnnIndex,
  readBuildGround,
  setAnnSettings,
  tryBuildLock,
} from "./ann-index.ts";
export { findUnreachable } from "./ann-reach.ts";
export { findExactRadii, measureIndexRecall, searchSettingName } from "./ann-recall.ts";
export { searchProfile } from "./ann-search.ts";
export { searchExactly } from "./exact-search.ts";
export { countShadowed, recordFeedback, recordSearches, type SearchEvent } from "./search-log.ts";
export type { SearchFilter, SearchOptions, SearchResult } from "./search-results.ts";
