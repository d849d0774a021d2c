export { type ChosenChunks, retryChunks } from "./retry-chunks.ts";
