import { type FloatFormat, floatFormats, floatSizeBytes } from "./float-format.ts";
import { elementsOf, inFile, type StoredTensor, unreadable } from "./stored-tensor.ts";
import { damaged, type WeightFile } from "./weight-file.ts";

// The limit of the reference implementation; a header of 400 tensors takes 50 KB.
const longestHeader = 100_000_000;

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * The tensors of a .safetensors file by name. The file has 8 bytes with the length of the header, the header in JSON, then
 * the data (https://huggingface.co/docs/safetensors). Only the header is read.
 * @throws ReembedError `weights_damaged` if the header does not fit the file.
 */
export async function readSafetensors(file: WeightFile): Promise<Map<string, StoredTensor>> {
  const { header, start } = await readHeader(file);
  const dataBytes = file.sizeBytes - start;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!isEntry(entry)) throw damaged(file.path, `has no dtype, shape and data_offsets for ${name}`);
    const { dtype, shape } = entry;
    const [begin, end] = entry.data_offsets;
    if (begin > end || end > dataBytes) {
      throw damaged(file.path, `places ${name} at bytes ${begin} to ${end} of its ${dataBytes} bytes of data`);
    }
    const place = { shape, begin: start + begin, end: start + end };
    tensors.set(name, isFloat(dtype) ? readFrom(file, name, dtype, place) : unreadable(name, file.path, dtype, shape));
  }
  return tensors;
}

async function readHeader(file: WeightFile): Promise<{ header: object; start: number }> {
  if (file.sizeBytes < 8) throw damaged(file.path, `has ${file.sizeBytes} bytes and no header`);
  const length = Number((await file.readBytes(0, 8)).readBigUInt64LE());
  if (length > longestHeader || 8 + length > file.sizeBytes) {
    throw damaged(file.path, `announces a header of ${length} bytes but has ${file.sizeBytes} bytes in all`);
  }
  const text = (await file.readBytes(8, length)).toString("utf8");
  try {
    const header: unknown = JSON.parse(text);
    if (typeof header === "object" && header !== null) return { header, start: 8 + length };
  } catch (cause) {
    throw damaged(file.path, "has a header that is not JSON", cause);
  }
  throw damaged(file.path, "has a header that is not a JSON object");
}

function readFrom(
  file: WeightFile,
  name: string,
  format: FloatFormat,
  { shape, begin, end }: { shape: readonly number[]; begin: number; end: number },
): StoredTensor {
  const expected = elementsOf(shape) * floatSizeBytes(format);
  if (end - begin === expected) return inFile(file, format, shape, begin);
  throw damaged(file.path, `has ${end - begin} bytes for ${name}; ${format} of ${shape.join(" x ")} takes ${expected}`);
}

function isFloat(dtype: string): dtype is FloatFormat {
  return (floatFormats as readonly string[]).includes(dtype);
}

function isEntry(value: unknown): value is HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<keyof HeaderEntry, unknown>;
  return typeof dtype === "string" && isCounts(shape) && isCounts(offsets) && offsets.length === 2;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
