export { describeEmbedder, embedAll, type ModelChange, vectorsOf } from "./embedder.testsuite.ts";
export { multilingualTexts } from "./multilingual-texts.ts";
export { body, breakOff, data, type Fault, hang, SomeEmbeddingServer, status } from "./some-embedding-server.ts";
