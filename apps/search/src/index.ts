export { resolveSearchHost } from "./http/guards.ts";
export { type SearchApp, startSearch } from "./search.ts";
