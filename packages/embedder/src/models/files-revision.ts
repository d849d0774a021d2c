import { createHash } from "node:crypto";
import type { RecordedFiles } from "./recorded-files.ts";

/** Begins the revision of files whose commit nobody knows: a hash of what their vectors depend on follows. */
const hashed = "files-";

const alwaysRead = /^(config\.json|tokenizer\.json|modules\.json|\d+_(Pooling|Dense)\/[\w.-]+)$/;
/** The kinds of weights in the order in which they are tried, each by its main file. */
const weights: readonly { main: string; files: RegExp }[] = [
  { main: "onnx/model.onnx", files: /^onnx\/(model\.onnx([._]data[\w.-]*)?|Constant_[\w.-]+)$/ },
  { main: "model.safetensors", files: /^model\.safetensors$/ },
  { main: "model.safetensors.index.json", files: /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/ },
];

/** Whether vectors may depend on a file of a model's folder. */
export function mattersTo(path: string): boolean {
  return alwaysRead.test(path) || weights.some(({ files }) => files.test(path));
}

/** Of several kinds of weights only the first counts, so that a node that lacks the others has the same revision. */
export function revisionOf(files: RecordedFiles): string {
  const kind = weights.find(({ main }) => main in files);
  const hash = createHash("sha256");
  for (const path of Object.keys(files).sort()) {
    if (alwaysRead.test(path) || kind?.files.test(path)) hash.update(`${path} ${files[path]?.sha256}\n`);
  }
  return `${hashed}${hash.digest("hex").slice(0, 12)}`;
}

/** Whether a revision was made by `revisionOf`, so that files can be held against it. */
export function isHashed(revision: string): boolean {
  return revision.startsWith(hashed);
}
