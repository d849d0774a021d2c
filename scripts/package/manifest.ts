import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** What compiled code needs besides: helpers of the compiler, and what `node-22.ts` puts in place of newer parts of Node. */
const neededByCompiled = ["tslib", "@whatwg-node/disposablestack", "@petamoriken/float16"];

/**
 * The `package.json` of the published package: version, description and licence of the workspace, and the packages that
 * its rooms depend on, with the same ranges.
 */
export function packageManifest(root: string): Record<string, unknown> {
  const read = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), "utf8"));
  const { version, description, license, devDependencies } = read("package.json");
  const rooms = globSync("{apps,packages}/*/package.json", { cwd: root }).map(read);
  const compiled = neededByCompiled.map((name) => [name, devDependencies[name] ?? ""] as const);
  return {
    name: "reembed",
    version,
    description,
    license,
    keywords: ["embeddings", "pgvector", "postgresql", "migration", "retrieval", "rag", "vector-search"],
    type: "module",
    engines: { node: ">=22.15.0" },
    exports: { types: "./apps/cli/src/library/index.d.ts", default: "./apps/cli/src/library/index.js" },
    bin: { reembed: "apps/cli/bin/reembed.mjs" },
    dependencies: sameRanges([...compiled, ...rooms.filter(isPublished).flatMap(publicDependencies)]),
  };
}

function isPublished({ name }: Manifest): boolean {
  return name !== "@reembed/testing";
}

function publicDependencies({ dependencies = {} }: Manifest): [name: string, range: string][] {
  return Object.entries(dependencies).filter(([name]) => !name.startsWith("@reembed/"));
}

/** One range for each package: a package has one list, where the clone has one for each room. */
function sameRanges(dependencies: readonly (readonly [name: string, range: string])[]): Record<string, string> {
  const ranges = new Map<string, string>();
  for (const [name, range] of dependencies) {
    const other = ranges.get(name) ?? range;
    if (range === "" || other !== range) throw new Error(`${name} needs one range, and has "${other}" and "${range}".`);
    ranges.set(name, range);
  }
  return Object.fromEntries([...ranges].sort(([one], [other]) => (one < other ? -1 : 1)));
}
