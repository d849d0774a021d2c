export { encodeGreedyGraph, greedyDimensions } from "./greedy-graph.ts";
export { encodeTokenGraph, type TokenGraphOptions, tokenDimensions, tokenVector } from "./token-graph.ts";
