import { randomUnitVector } from "../fleet/null-embedder.ts";

const centres = 1_000;
/** Size of the random part relative to the centre: neighbours then have a cosine of about 0.7. */
const spread = 0.65;

/**
 * Random vectors around common centres, as texts share topics. Uniformly random vectors have no near neighbours in 1,024
 * dimensions that an index could find.
 */
export class Clusters {
  readonly #centres: Float32Array[];
  readonly #dimensions: number;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#centres = Array.from({ length: centres }, () => randomUnitVector(dimensions));
  }

  /** A vector of length 1. */
  draw(): Float32Array {
    const centre = this.#centres[Math.floor(Math.random() * centres)] as Float32Array;
    const noise = randomUnitVector(this.#dimensions);
    const sum = centre.map((value, index) => value + spread * (noise[index] ?? 0));
    const length = Math.hypot(...sum);
    return sum.map((value) => value / length);
  }
}
