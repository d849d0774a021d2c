import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { folderOf } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { readText, root } from "../deployment/deployment-files.ts";
import { packagesLoadedBy } from "../deployment/loaded-packages.ts";
import { linkFiles } from "./link-files.ts";
import { packageManifest } from "./manifest.ts";

describe("the published package", () => {
  const manifest = packageManifest(root);

  test.each(packagesLoadedBy("apps/cli/src/main.ts"))("depends on $name, which $workspace loads", ({ name }) => {
    expect(manifest).toHaveProperty(["dependencies", name]);
  });

  test("has the version of the workspace, and depends on no room and on nothing of the tests", () => {
    expect(manifest.version).toBe(JSON.parse(readText("package.json")).version);
    const names = Object.keys(manifest.dependencies ?? {});
    expect(names.filter((name) => name.startsWith("@reembed/") || name === "vitest")).toEqual([]);
  });

  test("has every page that its README links to", () => {
    const build = readText("scripts/package/build.ts");
    const links = [...readText("README.md").matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(10);
    const [assets = ""] = /const assets = \[[^;]+;/.exec(build) ?? [];
    const packed = [...assets.matchAll(/"([^"]+)"/g)].map(([, path = ""]) => path);
    const isPacked = (link: string) => packed.some((path) => link === path || link.startsWith(`${path}/`));
    expect(links.filter((link) => !isPacked(link))).toEqual([]);
  });

  test("refuses a Node older than its engines say in one sentence", async () => {
    const folder = await folderOf({});
    const program = join(folder, "apps/cli/bin/reembed.mjs");
    await mkdir(dirname(program), { recursive: true });
    // The program as it is in the package, in a process that says it is the Node before.
    const source = readText("apps/cli/bin/reembed.mjs").replace("../src/main.ts", "../src/main.js");
    await writeFile(program, source.replace("process.versions.node.split", '"22.14.0".split'));
    const { status, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });
    const [least] = /\d+\.\d+/.exec(JSON.stringify(manifest.engines)) ?? [];
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `error: Reembed needs Node ${least} or newer, and this is Node ${process.versions.node}.\n`,
    });
  });
});

describe("compiled files", () => {
  test("find rooms by their path and started files by their new ending", async () => {
    const built = await folderOf({
      "apps/cli/src/main.js": 'import { sql } from "@reembed/store/search";\nawait import("@reembed/core");\n',
      "packages/embedder/src/pool.js": 'export const child = new URL("./child.ts", import.meta.url);\n',
      "packages/embedder/src/child.js": "",
      "packages/core/src/index.d.ts": 'export { a } from "./a.ts";\n',
    });
    await linkFiles(root, built);
    const read = (path: string) => readFile(join(built, path), "utf8");
    expect(await read("apps/cli/src/main.js")).toBe(
      'import { sql } from "../../../packages/store/src/search/index.js";\nawait import("../../../packages/core/src/index.js");\n',
    );
    expect(await read("packages/embedder/src/pool.js")).toContain('new URL("./child.js", import.meta.url)');
    expect(await read("packages/embedder/src/child.js")).toBe('import "../../../scripts/package/node-22.js";\n');
    expect(await read("packages/core/src/index.d.ts")).toBe('export { a } from "./a.js";\n');
  });

  test("are refused if they start a file that is not there", async () => {
    const built = await folderOf({ "packages/a/src/pool.js": 'new URL("./child.ts", import.meta.url);\n' });
    await expect(linkFiles(root, built)).rejects.toThrow("packages/a/src/child.js is started");
  });
});
