import onnxProto from "onnx-proto";
import { type FloatFormat, floatSizeBytes, widen } from "../float-format.ts";
import { elementsOf, inFile, inMemory, type StoredTensor } from "../stored-tensor.ts";
import { damaged, type WeightFile } from "../weight-file.ts";
import type { ExternalFiles } from "./external-files.ts";

type TensorProto = onnxProto.onnx.ITensorProto;
const { DataType, DataLocation } = onnxProto.onnx.TensorProto;

const formats: ReadonlyMap<unknown, FloatFormat> = new Map([
  [DataType.FLOAT, "F32"],
  [DataType.FLOAT16, "F16"],
  [DataType.BFLOAT16, "BF16"],
]);

export interface DecodedFile {
  readonly file: WeightFile;
  /** The whole file: the data of its tensors are views of these bytes. */
  readonly bytes: Uint8Array;
  readonly external: ExternalFiles;
}

/**
 * Finds where an export stores a tensor of floats; undefined for integers, such as shapes and axes. Keeps no reference to
 * the bytes.
 * @throws ReembedError `weights_damaged` if the size of the data does not fit the dimensions.
 */
export async function placeTensor(tensor: TensorProto, decoded: DecodedFile): Promise<StoredTensor | undefined> {
  const format = formats.get(tensor.dataType);
  const dims = (tensor.dims ?? []).map(Number);
  const count = elementsOf(dims);
  if (format === undefined || count === 0) return undefined;
  const { file, bytes, external } = decoded;
  const length = count * floatSizeBytes(format);
  if (tensor.dataLocation === DataLocation.EXTERNAL) {
    const entries = new Map(tensor.externalData?.map(({ key, value }) => [key, value]));
    const position = Number(entries.get("offset") ?? 0);
    expectLength(file, tensor, length, Number(entries.get("length") ?? length));
    const beside = await external.open(entries.get("location") ?? "");
    if (position >= 0 && position + length <= beside.sizeBytes) return inFile(beside, format, dims, position);
    const where = `${tensor.name} should be at ${position} to ${position + length}`;
    throw damaged(beside.path, `has ${beside.sizeBytes} bytes; ${where}`);
  }
  if (tensor.rawData?.length) {
    expectLength(file, tensor, length, tensor.rawData.length);
    return inFile(file, format, dims, tensor.rawData.byteOffset - bytes.byteOffset);
  }
  // Unless they are raw, 16-bit floats are stored as integers with the same bits.
  const values = (format === "F32" ? tensor.floatData : tensor.int32Data) ?? [];
  expectLength(file, tensor, count, values.length);
  return inMemory(format === "F32" ? Float32Array.from(values) : widen(format, Uint16Array.from(values)), dims);
}

function expectLength(file: WeightFile, { name, dims }: TensorProto, expected: number, found: number): void {
  if (found === expected) return;
  throw damaged(file.path, `has ${found} bytes or values for ${name} of ${dims?.join(" x ")}, which takes ${expected}`);
}
