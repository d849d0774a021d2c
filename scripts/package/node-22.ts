// What Reembed uses and Node 22 does not have. It is the first import of every process and thread of the package. Node 24
// has all of it, and loads neither of the two libraries.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

if (!("AsyncDisposableStack" in globalThis)) {
  const { AsyncDisposableStack, DisposableStack, SuppressedError } = require("@whatwg-node/disposablestack");
  Object.assign(globalThis, { AsyncDisposableStack, DisposableStack, SuppressedError });
}
if (!("Float16Array" in globalThis)) {
  const { Float16Array } = require("@petamoriken/float16");
  Object.assign(globalThis, { Float16Array });
}
if (!("try" in Promise)) {
  const started = <T>(work: (...given: unknown[]) => T, ...given: unknown[]) =>
    new Promise((resolve) => resolve(work(...given)));
  Object.assign(Promise, { try: started });
}
