import { createHash } from "node:crypto";
import type { RecordedFiles } from "./recorded-files.ts";
import { weightKinds } from "./weight-kinds.ts";

/** Begins the revision of files whose commit nobody knows: a hash of what their vectors depend on follows. */
const hashed = "files-";

const alwaysRead = /^(config\.json|tokenizer\.json|modules\.json|\d+_(Pooling|Dense)\/[\w.-]+)$/;
/** Those of a model's files that vectors may depend on. */
export function filesThatMatter(paths: readonly string[]): string[] {
  const there = weightKinds.filter(({ main }) => paths.includes(main));
  const unpickled = there.filter(({ pickled }) => !pickled);
  const kinds = unpickled.length > 0 ? unpickled : there;
  return paths.filter((path) => alwaysRead.test(path) || kinds.some(({ files }) => files.test(path)));
}

/** Of several kinds of weights only the first counts, so that a node that lacks the others has the same revision. */
export function revisionOf(files: RecordedFiles): string {
  const kind = weightKinds.find(({ main }) => main in files);
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
