export { lastVerification, recordVerification } from "./verification.ts";
export { type CheckedChunks, checkVectors, findOrphans, shownIds, type VectorState } from "./verification-checks.ts";
