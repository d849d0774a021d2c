import { existsSync, globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";

/** `from "./clock.ts"`, `import("@reembed/store/search")`: declarations keep `.ts`, and both keep names of rooms. */
const imports = /(?<=\b(?:from |import |import\())"(?:(\.{1,2}\/[^"]+)\.ts|(@reembed\/[^"]+))"/g;
/** A process or a thread that is started by its file. */
const started = /(?<=\bnew URL\()"(\.{1,2}\/[^"]+)\.ts"(?=, import\.meta\.url\))/g;

/**
 * Makes the compiled files below `built` find each other: rooms, which a clone imports by their name, by their path, and
 * started files by their new ending. Started files, and `entries` that others start or import, import `node-22.js` first.
 * @throws Error that names an address without a file.
 */
export async function linkFiles(root: string, built: string, entries: readonly string[] = []): Promise<void> {
  const rooms = createRequire(join(root, "apps/cli/package.json"));
  const roomPath = (name: string) => relative(root, rooms.resolve(name)).replace(/\.ts$/, ".js");
  const starts = new Set(entries);
  for (const path of globSync("{apps,packages}/**/*.{js,mjs,d.ts}", { cwd: built })) {
    const here = dirname(path);
    const source = await readFile(join(built, path), "utf8");
    const linked = source
      .replaceAll(imports, (_, file?: string, room?: string) => {
        return JSON.stringify(room === undefined ? `${file}.js` : relativeAddress(here, roomPath(room)));
      })
      .replaceAll(started, (_, file: string) => {
        starts.add(join(here, `${file}.js`));
        return JSON.stringify(`${file}.js`);
      });
    if (linked !== source) await writeFile(join(built, path), linked);
  }
  for (const path of starts) await importFirst(built, path, "scripts/package/node-22.js");
}

async function importFirst(built: string, path: string, imported: string): Promise<void> {
  if (!existsSync(join(built, path))) throw new Error(`${path} is started, and is not in the package.`);
  const source = await readFile(join(built, path), "utf8");
  await writeFile(join(built, path), `import ${JSON.stringify(relativeAddress(dirname(path), imported))};\n${source}`);
}

function relativeAddress(from: string, to: string): string {
  const path = relative(from, to).split(sep).join("/");
  return path.startsWith(".") ? path : `./${path}`;
}
