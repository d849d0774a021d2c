import { type FileHandle, open, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  type Attribute,
  type ElementType,
  elementTypeOf,
  encodeModel,
  externalTensor,
  type Graph,
  node,
  splitOperator,
  type TensorData,
  tensor,
  valueInfo,
} from "./model-writer.ts";

/** At this alignment ONNX Runtime may map the values of a tensor instead of copying them. */
const alignment = 4096;

/**
 * Builds an ONNX graph and writes its weights to `<file>.data` immediately, one after another: the memory that it needs
 * is that of the largest piece, whatever the size of the model.
 */
export class GraphBuilder implements AsyncDisposable {
  readonly #path: string;
  readonly #graph: Graph;
  readonly #values: FileHandle;
  #sizeBytes = 0;

  private constructor(path: string, values: FileHandle) {
    this.#path = path;
    this.#values = values;
    this.#graph = { name: "encoder", inputs: [], outputs: [], initializers: [], nodes: [] };
  }

  static async create(path: string): Promise<GraphBuilder> {
    return new GraphBuilder(path, await open(`${path}.data`, "w"));
  }

  input(name: string, elementType: ElementType, dims: readonly (number | string)[]): string {
    this.#graph.inputs.push(valueInfo(name, elementType, dims));
    return name;
  }

  /** Adds an operator, named as in `node`, and returns the name of its output. */
  add(operator: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    return this.#addNode(operator, inputs, [this.#nextName(operator)], attributes)[0] ?? "";
  }

  /** Adds an operator with several outputs. */
  addSplit(operator: string, inputs: string[], outputs: number, attributes: Record<string, Attribute> = {}): string[] {
    const name = this.#nextName(operator);
    return this.#addNode(
      operator,
      inputs,
      Array.from({ length: outputs }, (_, index) => `${name}.${index}`),
      attributes,
    );
  }

  /** Makes a value an output of the graph. */
  output(value: string, name: string, elementType: ElementType, dims: readonly (number | string)[]): void {
    this.#addNode("Identity", [value], [name]);
    this.#graph.outputs.push(valueInfo(name, elementType, dims));
  }

  #nextName(operator: string): string {
    return `${splitOperator(operator).opType}_${this.#graph.nodes.length}`;
  }

  #addNode(
    operator: string,
    inputs: string[],
    outputs: string[],
    attributes: Record<string, Attribute> = {},
  ): string[] {
    this.#graph.nodes.push(node(operator, inputs, outputs, attributes));
    return outputs;
  }

  /** Adds a small constant, which is stored in the graph itself. */
  constant(data: TensorData, dims: readonly number[] = []): string {
    const name = `constant_${this.#graph.initializers.length}`;
    this.#graph.initializers.push(tensor(name, dims, data));
    return name;
  }

  scalar(value: number): string {
    return this.constant(new Float32Array([value]));
  }

  integer(value: number): string {
    return this.constant(new BigInt64Array([BigInt(value)]));
  }

  /** Adds a list with one integer, the form in which operators take axes and bounds. */
  integers(value: number): string {
    return this.constant(new BigInt64Array([BigInt(value)]), [1]);
  }

  /** Writes a weight, given as one array or as pieces. */
  async weight(name: string, dims: readonly number[], pieces: TensorData | AsyncIterable<TensorData>): Promise<string> {
    await this.#write(new Uint8Array((alignment - (this.#sizeBytes % alignment)) % alignment));
    const offset = this.#sizeBytes;
    let elementType: ElementType | undefined;
    for await (const piece of Symbol.asyncIterator in pieces ? pieces : [pieces]) {
      elementType = elementTypeOf(piece);
      await this.#write(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    }
    if (elementType === undefined) throw new RangeError(`The weight ${name} has no values`);
    const values = { file: basename(`${this.#path}.data`), offset, sizeBytes: this.#sizeBytes - offset };
    this.#graph.initializers.push(externalTensor(name, elementType, dims, values));
    return name;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#values.appendFile(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Writes the graph. */
  async finish(): Promise<void> {
    await this.#values.sync();
    await writeFile(this.#path, encodeModel(this.#graph));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#values.close();
  }
}
