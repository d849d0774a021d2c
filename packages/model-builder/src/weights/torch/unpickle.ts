import type { Callable, GlobalName, Value } from "./pickle-values.ts";

/** What a pickle asks for besides numbers, texts and collections. */
export interface Resolver {
  /** The function or class of a name such as `torch._utils._rebuild_tensor_v2`; throws for every name but a few. */
  global(name: string): Callable | GlobalName;
  /** The object that lies outside the pickle: for torch.save, a storage. */
  persistent(id: Value): Value;
}

/** A pickle has something that torch.save does not write for tensors. */
export class PickleError extends Error {}

type Operation = (machine: Machine) => void;

/**
 * Interprets the operations of Python's pickles that torch.save writes for a dictionary of tensors
 * (https://github.com/python/cpython/blob/main/Lib/pickletools.py describes each). A pickle is a program that may import
 * and call anything. Here it can call only what the resolver returns, so that nothing of Python or Node is within its reach.
 * @throws PickleError if it has any other operation or is not whole, and whatever the resolver throws.
 */
export function unpickle(bytes: Buffer, resolver: Resolver): Value {
  const machine = new Machine(bytes, resolver);
  for (;;) {
    const code = machine.read(1).readUInt8();
    if (code === stop) return machine.pop();
    const operation = operations.get(code);
    if (operation === undefined)
      throw new PickleError(`has the operation 0x${code.toString(16)} in its pickle, which weights do not need`);
    operation(machine);
  }
}

class Machine {
  readonly resolver: Resolver;
  readonly memo = new Map<number, Value>();
  /** The values since the last mark; below them, those since the marks before. */
  stack: Value[] = [];
  readonly below: Value[][] = [];
  readonly #bytes: Buffer;
  #place = 0;

  constructor(bytes: Buffer, resolver: Resolver) {
    this.#bytes = bytes;
    this.resolver = resolver;
  }

  read(length: number): Buffer {
    const end = this.#place + length;
    if (end > this.#bytes.length) throw new PickleError("has a pickle that ends too early");
    const part = this.#bytes.subarray(this.#place, end);
    this.#place = end;
    return part;
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.#place);
    if (end < 0) throw new PickleError("has a pickle that ends too early");
    return this.read(end + 1 - this.#place)
      .subarray(0, -1)
      .toString("utf8");
  }

  text(length: number): void {
    this.stack.push(this.read(length).toString("utf8"));
  }

  pop(): Value {
    const value = this.stack.pop();
    if (value === undefined) throw new PickleError("has a pickle that takes more values than it has");
    return value;
  }

  popMany(count: number): Value[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  /** The values since the last mark. */
  popMark(): Value[] {
    const values = this.stack;
    this.stack = this.below.pop() ?? [];
    return values;
  }

  put(place: number): void {
    const value = this.pop();
    this.memo.set(place, value);
    this.stack.push(value);
  }

  get(place: number): void {
    const value = this.memo.get(place);
    if (value === undefined) throw new PickleError(`has a pickle that takes value ${place} before it is there`);
    this.stack.push(value);
  }

  setItems(items: readonly Value[]): void {
    const dictionary = this.stack.at(-1);
    if (!(dictionary instanceof Map)) throw new PickleError("has a pickle that adds names to something else");
    for (let place = 0; place + 1 < items.length; place += 2) {
      dictionary.set(items[place] as Value, items[place + 1] as Value);
    }
  }

  append(items: readonly Value[]): void {
    const list = this.stack.at(-1);
    if (!Array.isArray(list)) throw new PickleError("has a pickle that appends to something else");
    for (const item of items) list.push(item);
  }

  call(): void {
    const [callee, given] = this.popMany(2);
    if (typeof callee !== "function" || !Array.isArray(given)) throw new PickleError("has a pickle that calls a value");
    this.stack.push(callee(given));
  }

  /** torch.save keeps `_metadata` of a state_dict as an attribute; tensors need none. */
  ignoreState(): void {
    this.pop();
    if (!(this.stack.at(-1) instanceof Map)) throw new PickleError("has a pickle that sets attributes of an object");
  }
}

const stop = 0x2e;

const operations: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0x80, (machine) => void machine.read(1)], // PROTO
  [0x95, (machine) => void machine.read(8)], // FRAME
  [
    0x28, // MARK
    (machine) => {
      machine.below.push(machine.stack);
      machine.stack = [];
    },
  ],
  [0x30, (machine) => void machine.pop()], // POP
  [0x4e, ({ stack }) => void stack.push(null)], // NONE
  [0x88, ({ stack }) => void stack.push(true)], // NEWTRUE
  [0x89, ({ stack }) => void stack.push(false)], // NEWFALSE
  [0x4b, (machine) => void machine.stack.push(machine.read(1).readUInt8())], // BININT1
  [0x4d, (machine) => void machine.stack.push(machine.read(2).readUInt16LE())], // BININT2
  [0x4a, (machine) => void machine.stack.push(machine.read(4).readInt32LE())], // BININT
  [0x8a, (machine) => void machine.stack.push(longOf(machine.read(machine.read(1).readUInt8())))], // LONG1
  [0x47, (machine) => void machine.stack.push(machine.read(8).readDoubleBE())], // BINFLOAT
  [0x58, (machine) => machine.text(machine.read(4).readUInt32LE())], // BINUNICODE
  [0x8c, (machine) => machine.text(machine.read(1).readUInt8())], // SHORT_BINUNICODE
  [0x55, (machine) => machine.text(machine.read(1).readUInt8())], // SHORT_BINSTRING
  [0x29, ({ stack }) => void stack.push([])], // EMPTY_TUPLE
  [0x5d, ({ stack }) => void stack.push([])], // EMPTY_LIST
  [0x7d, ({ stack }) => void stack.push(new Map())], // EMPTY_DICT
  [0x85, (machine) => void machine.stack.push(machine.popMany(1))], // TUPLE1
  [0x86, (machine) => void machine.stack.push(machine.popMany(2))], // TUPLE2
  [0x87, (machine) => void machine.stack.push(machine.popMany(3))], // TUPLE3
  [
    0x74, // TUPLE
    (machine) => {
      const values = machine.popMark();
      machine.stack.push(values);
    },
  ],
  [0x61, (machine) => machine.append(machine.popMany(1))], // APPEND
  [0x65, (machine) => machine.append(machine.popMark())], // APPENDS
  [0x73, (machine) => machine.setItems(machine.popMany(2))], // SETITEM
  [0x75, (machine) => machine.setItems(machine.popMark())], // SETITEMS
  [0x71, (machine) => machine.put(machine.read(1).readUInt8())], // BINPUT
  [0x72, (machine) => machine.put(machine.read(4).readUInt32LE())], // LONG_BINPUT
  [0x94, (machine) => machine.put(machine.memo.size)], // MEMOIZE
  [0x68, (machine) => machine.get(machine.read(1).readUInt8())], // BINGET
  [0x6a, (machine) => machine.get(machine.read(4).readUInt32LE())], // LONG_BINGET
  [0x63, (machine) => void machine.stack.push(machine.resolver.global(`${machine.line()}.${machine.line()}`))], // GLOBAL
  [0x93, (machine) => void machine.stack.push(machine.resolver.global(machine.popMany(2).join(".")))], // STACK_GLOBAL
  [0x51, (machine) => void machine.stack.push(machine.resolver.persistent(machine.pop()))], // BINPERSID
  [0x52, (machine) => machine.call()], // REDUCE
  [0x62, (machine) => machine.ignoreState()], // BUILD
]);

/** A whole number in little-endian two's complement, of any length. */
function longOf(bytes: Buffer): number {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return Number(BigInt.asIntN(8 * bytes.length, value));
}
