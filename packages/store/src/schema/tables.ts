// Every table, for Drizzle.
export * from "./changes.ts";
export * from "./columns.ts";
export * from "./corpus.ts";
export * from "./counts.ts";
export * from "./embeddings.ts";
export * from "./models.ts";
export * from "./notices.ts";
export * from "./operators.ts";
export * from "./processes.ts";
export * from "./profiles.ts";
export * from "./proofs.ts";
export * from "./rollout.ts";
export * from "./searches.ts";
