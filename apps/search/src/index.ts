export { resolveSearchHost } from "./http/guards.ts";
export { type SearchApp, type SearchAppOptions, startSearch } from "./search.ts";
