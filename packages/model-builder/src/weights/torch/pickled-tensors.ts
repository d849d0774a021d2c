import { type Callable, GlobalName, PickledTensor, Storage, type Value } from "./pickle-values.ts";
import { PickleError, unpickle } from "./unpickle.ts";

/** The functions and classes that torch.save names for a dictionary of tensors. Storages' types are named, not called. */
const callables: ReadonlyMap<string, Callable> = new Map([
  ["collections.OrderedDict", () => new Map<Value, Value>()],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_parameter", rebuildParameter],
]);

/**
 * The tensors of the pickle `data.pkl`, by name; values that are no tensors are left out.
 * @throws PickleError if it asks for anything that tensors do not need.
 */
export function readPickledTensors(bytes: Buffer): Map<string, PickledTensor> {
  const value = unpickle(bytes, { global: globalOf, persistent: storageOf });
  const tensors = new Map<string, PickledTensor>();
  for (const [name, tensor] of value instanceof Map ? value : []) {
    if (typeof name === "string" && tensor instanceof PickledTensor) tensors.set(name, tensor);
  }
  if (tensors.size === 0) throw new PickleError("holds no tensors by name");
  return tensors;
}

function globalOf(name: string): Callable | GlobalName {
  const callable = callables.get(name);
  if (callable !== undefined) return callable;
  if (/^torch\.[A-Z][A-Za-z0-9]*Storage$/.test(name)) return new GlobalName(name.slice("torch.".length));
  throw new PickleError(`asks for ${name}, which weights do not need`);
}

/** `("storage", torch.FloatStorage, key, device, elements)` */
function storageOf(id: Value): Storage {
  const [kind, type, key] = Array.isArray(id) ? id : [];
  if (kind === "storage" && type instanceof GlobalName && typeof key === "string") return new Storage(type.name, key);
  throw new PickleError("refers to something other than a storage");
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks, …)` */
function rebuildTensor([storage, offset, dims, strides]: readonly Value[]): PickledTensor {
  const fits = storage instanceof Storage && isCount(offset) && isCounts(dims) && isCounts(strides);
  if (fits && dims.length === strides.length) return new PickledTensor(storage, offset, dims, strides);
  throw new PickleError("describes a tensor without its storage, offset, size and stride");
}

/** `(tensor, requires_grad, backward_hooks)` */
function rebuildParameter([tensor]: readonly Value[]): Value {
  if (tensor instanceof PickledTensor) return tensor;
  throw new PickleError("describes a parameter without a tensor");
}

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

function isCount(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
