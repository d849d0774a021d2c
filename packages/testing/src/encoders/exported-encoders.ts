import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EncoderWeights } from "@reembed/model-builder/weights";
import { expect } from "vitest";

/** The output of scripts/fixtures/export-encoders.py: tiny encoders with their exports and checkpoints. */
export const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
export type EncoderKind = "bert" | "xlm-roberta";

const [hidden, intermediate, layers] = [16, 24, 2];

/** Every tensor of such an encoder except the pooler's, with linear weights as [in, out]. */
function tensorDims(kind: EncoderKind): Record<string, readonly number[]> {
  const vector = [hidden];
  const dims: Record<string, readonly number[]> = {
    "embeddings.word_embeddings.weight": [50, hidden],
    "embeddings.position_embeddings.weight": [20, hidden],
    "embeddings.token_type_embeddings.weight": [kind === "bert" ? 2 : 1, hidden],
    "embeddings.LayerNorm.weight": vector,
    "embeddings.LayerNorm.bias": vector,
  };
  for (let layer = 0; layer < layers; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const [part, width, from] of [
      ["attention.self.query", hidden, hidden],
      ["attention.self.key", hidden, hidden],
      ["attention.self.value", hidden, hidden],
      ["attention.output.dense", hidden, hidden],
      ["intermediate.dense", intermediate, hidden],
      ["output.dense", hidden, intermediate],
    ] as const) {
      dims[`${at}.${part}.weight`] = [from, width];
      dims[`${at}.${part}.bias`] = [width];
    }
    for (const part of ["attention.output.LayerNorm", "output.LayerNorm"]) {
      dims[`${at}.${part}.weight`] = vector;
      dims[`${at}.${part}.bias`] = vector;
    }
  }
  return dims;
}

/** Every value of every tensor. */
export async function readAll(weights: EncoderWeights, kind: EncoderKind): Promise<Record<string, Float32Array>> {
  const values: Record<string, Float32Array> = {};
  for (const [name, dims] of Object.entries(tensorDims(kind))) {
    values[name] = await weights.tensor(name, dims).readRows(0, dims[0] ?? 0);
  }
  return values;
}

export async function expectSameWeights(found: EncoderWeights, expected: EncoderWeights, kind: EncoderKind) {
  const [values, expectedValues] = [await readAll(found, kind), await readAll(expected, kind)];
  for (const name of Object.keys(expectedValues)) expect(values[name], name).toEqual(expectedValues[name]);
}

/** A model's folder with these files, which is removed on disposal. */
export async function writeFolder(files: Record<string, Uint8Array | string>) {
  const folder = await mkdtemp(join(tmpdir(), "reembed-weights-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

export interface StoredValues {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** The bytes of a .safetensors file. */
export function encodeSafetensors(tensors: Record<string, StoredValues>): Buffer {
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    header[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  return safetensorsOf(JSON.stringify(header), Buffer.concat(parts));
}

export function safetensorsOf(header: string, data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), data]);
}
