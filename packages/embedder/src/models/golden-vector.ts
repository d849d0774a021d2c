import { ReembedError } from "@reembed/core";
import { unitVector } from "../unit-vector.ts";
import type { PreparedManifest } from "./prepared-graph.ts";

/** Kernels of different processors round differently, by 1e-4 at most; damaged weights give NaN or another direction. */
const sameGraphCosine = 0.999;
/** Number formats of one model differ by 0.01 at most; another model, or a prompt before the text, is far below. */
const sameModelCosine = 0.98;

/** @throws ReembedError `golden_vector_differs` if this machine computes another vector than the recorded one. */
export function checkGoldenVector(vector: Float32Array, { model, golden }: PreparedManifest): void {
  const cosine = cosineTo(golden, vector);
  if (cosine >= sameGraphCosine) return;
  throw new ReembedError(
    "golden_vector_differs",
    `The vector of the golden text of ${model} has a cosine similarity of ${cosine.toFixed(4)} to the one that was ` +
      `recorded when it was prepared; at least ${sameGraphCosine} was expected.`,
    { remedy: `Run \`reembed model prepare ${model}\` on this machine.` },
  );
}

/** @throws ReembedError `golden_vector_differs` (exit code 2) if a server has another model than the one that was prepared here. */
export function checkServedVector(vector: Float32Array, { model, golden }: PreparedManifest): void {
  const cosine = cosineTo(golden, vector);
  if (cosine >= sameModelCosine) return;
  throw new ReembedError(
    "golden_vector_differs",
    `The embedding server does not have ${model}: its vector of the golden text has a cosine similarity of ` +
      `${cosine.toFixed(4)} to that of the prepared graph; at least ${sameModelCosine} was expected.`,
    {
      exitCode: 2,
      remedy: `Have it serve ${model} without a prompt before the texts, or use a server that does.`,
    },
  );
}

function cosineTo(golden: PreparedManifest["golden"], vector: Float32Array): number {
  const expected = unitVector(decodeVector(golden.vector), vector.length) ?? new Float32Array();
  return vector.reduce((sum, value, index) => sum + value * (expected[index] ?? Number.NaN), 0);
}

export function encodeVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

function decodeVector(encoded: string): Float32Array {
  const bytes = Buffer.from(encoded, "base64");
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
