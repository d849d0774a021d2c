export { readAdoption, refuseAdopted } from "./adoption.ts";
export { createDocuments } from "./adoption-documents.ts";
export { checkSource, readDimensions } from "./adoption-source.ts";
export { takeOver } from "./adoption-takeover.ts";
export { copyVectors, sampleSource } from "./adoption-vectors.ts";
