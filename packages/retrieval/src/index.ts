export { answerQuery } from "./answer-query.ts";
export { embedTexts } from "./embed-texts.ts";
export { QueryVectors } from "./query-vectors.ts";
export { type SearchKind, searchBy } from "./search-by-kind.ts";
