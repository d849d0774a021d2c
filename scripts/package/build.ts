import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { linkFiles } from "./link-files.ts";
import { packageManifest } from "./manifest.ts";

// Makes `dist/reembed`, the folder of the published package, and packs it into `dist/reembed-<version>.tgz`. The folder has
// the layout of a clone, so that every path from one file to another stays the same.
const root = join(import.meta.dirname, "../..");
const built = join(root, "dist/reembed");

/**
 * What is there besides compiled code: what the code reads, and every page that README.md links to. Of `drizzle/meta`,
 * migrating reads the journal alone. Imported JSON is copied here, because TypeScript 7.0 leaves it out of what it emits in
 * one run of three.
 */
const assets = [
  ...[
    "LICENSE",
    "README.md",
    ...["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".env.example", "bench/README.md"],
    ...["docs", "deploy"],
    "apps/cli/bin",
    "models/README.md",
    "models/mini-m3",
    "models/mini-rubert",
  ],
  ...["samples", "drizzle/meta/_journal.json"],
  ...globSync(["{apps,packages}/*/public", "{apps,packages}/*/src/**/*.json", "drizzle/*.sql"], { cwd: root }),
];

await rm(join(root, "dist"), { recursive: true, force: true });
run("npx", ["tsc", "--project", "scripts/package/tsconfig.json"], root);
for (const asset of assets) {
  await mkdir(dirname(join(built, asset)), { recursive: true });
  await cp(join(root, asset), join(built, asset), { recursive: true });
}
await linkFiles(root, built, ["apps/cli/src/main.js", "apps/cli/src/library/index.js"]);
await writeFile(join(built, "package.json"), `${JSON.stringify(packageManifest(root), null, 2)}\n`);
run("npm", ["pack", "--silent", "--pack-destination", ".."], built);

function run(program: string, parameters: string[], folder: string): void {
  execFileSync(program, parameters, { cwd: folder, stdio: "inherit" });
}
