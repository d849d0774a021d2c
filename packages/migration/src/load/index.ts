export { loadCorpus } from "./load-corpus.ts";
export { readCorpus } from "./read-corpus.ts";
export { handbook, readSampleTexts } from "./sample-texts.ts";
