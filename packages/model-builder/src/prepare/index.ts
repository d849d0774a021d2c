export type { Fidelity } from "./fidelity.ts";
export { leastCosines, type Preparation, type PrepareOptions, prepareModel } from "./prepare-model.ts";
