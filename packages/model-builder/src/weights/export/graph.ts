import { type StoredTensor, transposeOf } from "../stored-tensor.ts";

/** A call of an operator, with its numeric attributes. */
export interface GraphNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, readonly number[]>;
}

const passingOn: readonly string[] = ["Identity", "Cast"];

/** The graph of an export: which node computes a value, which nodes use it, and which values are constant. */
export class Graph {
  readonly nodes: readonly GraphNode[];
  readonly #constants: ReadonlyMap<string, StoredTensor>;
  readonly #producers = new Map<string, GraphNode>();
  readonly #consumers = new Map<string, GraphNode[]>();

  constructor(nodes: readonly GraphNode[], constants: ReadonlyMap<string, StoredTensor>) {
    this.nodes = nodes;
    this.#constants = constants;
    for (const node of nodes) {
      for (const output of node.outputs) this.#producers.set(output, node);
      for (const input of new Set(node.inputs)) {
        const consumers = this.#consumers.get(input);
        if (consumers === undefined) this.#consumers.set(input, [node]);
        else consumers.push(node);
      }
    }
  }

  producer(value: string | undefined): GraphNode | undefined {
    return this.#producers.get(value ?? "");
  }

  consumers(value: string): readonly GraphNode[] {
    return this.#consumers.get(value) ?? [];
  }

  /** The value behind copies and casts: exporters write equal initializers once and copy the others. */
  original(value: string): string {
    const node = this.producer(value);
    const [input] = node?.inputs ?? [];
    return node !== undefined && input !== undefined && passingOn.includes(node.opType) ? this.original(input) : value;
  }

  /** The value itself and all values that copy or cast it. */
  copies(value: string): string[] {
    const copying = this.consumers(value).filter((node) => passingOn.includes(node.opType));
    return [value, ...copying.flatMap((node) => node.outputs.flatMap((output) => this.copies(output)))];
  }

  /** The constant that a value is, or is a copy or transpose of. */
  constant(value: string | undefined): StoredTensor | undefined {
    if (value === undefined) return undefined;
    const origin = this.original(value);
    const stored = this.#constants.get(origin);
    if (stored !== undefined) return stored;
    const node = this.producer(origin);
    if (node?.opType !== "Transpose") return undefined;
    const matrix = this.constant(node.inputs[0]);
    const permutation = node.attributes.get("perm") ?? [1, 0];
    return matrix?.dims.length === 2 && permutation.join() === "1,0" ? transposeOf(matrix) : undefined;
  }

  /** PyTorch's name of a constant, or of the constant that it is a copy or transpose of; undefined if it has none. */
  nameOf(value: string): string | undefined {
    if (/\.(weight|bias|gamma|beta)$/.test(value)) return value;
    const node = this.producer(value);
    const [input] = node?.inputs ?? [];
    const isSame = node !== undefined && (node.opType === "Transpose" || passingOn.includes(node.opType));
    return isSame && input !== undefined ? this.nameOf(input) : undefined;
  }

  /** The nearest value that satisfies `wanted`, among this value and those that it is computed from. */
  upstream(value: string | undefined, wanted: (value: string) => boolean): string | undefined {
    const queue = [value ?? ""];
    const seen = new Set(queue);
    for (const candidate of queue) {
      if (wanted(candidate)) return candidate;
      for (const input of this.producer(candidate)?.inputs ?? []) {
        if (!seen.has(input)) queue.push(input);
        seen.add(input);
      }
    }
    return undefined;
  }
}
