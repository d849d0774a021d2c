/** A class that a pickle only names, such as `torch.FloatStorage`. */
export class GlobalName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Numbers of one type in an entry of the file, which several tensors may share. */
export class Storage {
  /** The type as torch.save names it: `FloatStorage`. */
  readonly type: string;
  /** The entry below `data/`. */
  readonly key: string;

  constructor(type: string, key: string) {
    this.type = type;
    this.key = key;
  }
}

/** A view of a storage; everything counts elements. */
export class PickledTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: Storage, offset: number, dims: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.dims = dims;
    this.strides = strides;
  }
}

export type Callable = (given: readonly Value[]) => Value;

/** What a pickle of tensors is put together from; tuples are lists. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Value[]
  | Map<Value, Value>
  | GlobalName
  | Storage
  | PickledTensor
  | Callable;
