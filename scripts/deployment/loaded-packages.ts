import { builtinModules, createRequire, stripTypeScriptTypes } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readText, root } from "./deployment-files.ts";

/** A package from the registry, and the workspace whose source imports it. */
export interface LoadedPackage {
  workspace: string;
  name: string;
}

/** Everything that `entry` can load, through its imports and those of its child processes. */
export function packagesLoadedBy(entry: string): LoadedPackage[] {
  const seen = new Set<string>();
  const loaded = new Map<string, LoadedPackage>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const specifier of specifiersIn(readText(path))) {
      if (specifier.startsWith(".")) visit(relative(root, fileURLToPath(new URL(specifier, urlOf(path)))));
      else if (specifier.startsWith("@reembed/")) visit(relative(root, createRequire(urlOf(path)).resolve(specifier)));
      else if (!specifier.startsWith("node:") && !builtinModules.includes(specifier)) {
        const workspace = path.split("/").slice(0, 2).join("/");
        const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
        loaded.set(`${workspace} ${name}`, { workspace, name });
      }
    }
  };
  visit(entry);
  return [...loaded.values()];
}

/** Imports that remain after the types are stripped, and files that are started by their address. */
function specifiersIn(source: string): string[] {
  const pattern = /\b(?:from |import |import\()"([.@\w][\w@./:-]*)"|new URL\("(\.[\w./-]+\.ts)"/g;
  return [...stripTypeScriptTypes(source).matchAll(pattern)].map(([, imported, started]) => imported ?? started ?? "");
}

function urlOf(path: string): URL {
  return pathToFileURL(join(root, path));
}
