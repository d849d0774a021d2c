export { rechunkCorpus } from "./rechunk-corpus.ts";
