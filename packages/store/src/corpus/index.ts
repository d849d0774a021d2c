export { type DocumentInput, type StoredDocuments, storeDocuments } from "./documents.ts";
export { sampleChunks } from "./sampling.ts";
