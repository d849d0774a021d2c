export {
  type Quotation,
  readDocumentIds,
  readDocumentLengths,
  readHolders,
  readPlacedChunks,
} from "./evaluation-corpus.ts";
export { type Evaluation, lastEvaluation, recordEvaluation } from "./evaluations.ts";
export { readLoggedQueries } from "./logged-queries.ts";
