export type { EncoderWeights, WeightTensor } from "./encoder-weights.ts";
