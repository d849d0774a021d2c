export { answerSearch } from "./answer/answer-search.ts";
export { parseBody, SearchRequest } from "./answer/search-request.ts";
export { openAnswering } from "./answering.ts";
export { resolveSearchHost } from "./http/guards.ts";
export { type SearchApp, startSearch } from "./search.ts";
