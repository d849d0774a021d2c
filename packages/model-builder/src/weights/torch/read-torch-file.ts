import { ReembedError } from "@reembed/core";
import { type FloatFormat, floatSizeBytes } from "../float-format.ts";
import { elementsOf, inFile, type StoredTensor, stridedInFile, unreadable } from "../stored-tensor.ts";
import { damaged, type WeightFile } from "../weight-file.ts";
import type { PickledTensor } from "./pickle-values.ts";
import { readPickledTensors } from "./pickled-tensors.ts";
import { PickleError } from "./unpickle.ts";
import { listZipEntries, type ZipEntry } from "./zip-entries.ts";

// A pickle of 400 tensors takes 50 KB.
const longestPickle = 100_000_000;
const pickle = "data.pkl";
const formats: ReadonlyMap<string, FloatFormat> = new Map([
  ["FloatStorage", "F32"],
  ["HalfStorage", "F16"],
  ["BFloat16Storage", "BF16"],
]);

/**
 * The tensors of a file of torch.save by name: a zip with a pickle, `data.pkl`, that describes them, and an entry for each
 * storage. The pickle is interpreted by `unpickle` and runs nothing.
 * @throws ReembedError `weights_damaged`; `weights_unsupported` if the pickle asks for anything but tensors, or if the file
 * is of PyTorch before 1.6, which had no zip.
 */
export async function readTorchFile(folder: string, file: WeightFile): Promise<Map<string, StoredTensor>> {
  await requireZip(file);
  const entries = await listZipEntries(folder, file.path);
  const described = await readDescriptions(file, entries);
  return new Map([...described].map(([name, tensor]) => [name, place(file, entries, name, tensor)]));
}

async function requireZip(file: WeightFile): Promise<void> {
  const start = await file.readBytes(0, Math.min(2, file.sizeBytes));
  if (start.toString("latin1") === "PK") return;
  // PROTO is the first operation of a pickle.
  if (start[0] !== 0x80) throw damaged(file.path, "is no file of torch.save");
  throw new ReembedError("weights_unsupported", `${file.path} has the format that PyTorch wrote before 1.6.`, {
    remedy: "Write it again in Python: torch.save(torch.load(path, weights_only=True), path).",
  });
}

async function readDescriptions(
  file: WeightFile,
  entries: ReadonlyMap<string, ZipEntry>,
): Promise<Map<string, PickledTensor>> {
  const entry = entries.get(pickle);
  if (entry === undefined || entry.sizeBytes > longestPickle) throw damaged(file.path, `has no ${pickle}`);
  const order = entries.get("byteorder");
  if (order !== undefined && (await readText(file, order)) !== "little") {
    throw new ReembedError("weights_unsupported", `${file.path} was written by a machine with big-endian numbers.`, {
      remedy: "Write it again on another machine.",
    });
  }
  try {
    return readPickledTensors(await file.readBytes(entry.positionBytes, entry.sizeBytes));
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    const message = `${file.path} ${cause.message}. Nothing of it was run.`;
    throw new ReembedError("weights_unsupported", message, {
      cause,
      remedy: "If you trust the file, load the model in Python and save it with safe_serialization=True.",
    });
  }
}

async function readText(file: WeightFile, { positionBytes, sizeBytes }: ZipEntry): Promise<string> {
  return (await file.readBytes(positionBytes, Math.min(sizeBytes, 16))).toString("utf8");
}

function place(
  file: WeightFile,
  entries: ReadonlyMap<string, ZipEntry>,
  name: string,
  { storage, offset, dims, strides }: PickledTensor,
): StoredTensor {
  const format = formats.get(storage.type);
  if (format === undefined) return unreadable(name, file.path, storage.type, dims);
  const entry = entries.get(`data/${storage.key}`);
  if (entry === undefined) throw damaged(file.path, `has no stored data/${storage.key}, the values of ${name}`);
  const last = dims.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] ?? 0), offset);
  const elements = entry.sizeBytes / floatSizeBytes(format);
  if (!dims.includes(0) && last >= elements) {
    throw damaged(file.path, `places ${name} at values ${offset} to ${last + 1} of ${elements}`);
  }
  const positionBytes = entry.positionBytes + offset * floatSizeBytes(format);
  if (isContiguous(dims, strides)) return inFile(file, format, dims, positionBytes);
  return stridedInFile(file, format, { dims, strides, positionBytes });
}

/** Whether the elements lie one after another in row-major order. The stride of a single row or column does not matter. */
function isContiguous(dims: readonly number[], strides: readonly number[]): boolean {
  return dims.every((dim, axis) => dim === 1 || strides[axis] === elementsOf(dims.slice(axis + 1)));
}
