import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readText, root } from "./deployment-files.ts";
import { packagesLoadedBy } from "./loaded-packages.ts";

/** Instructions by name, with continued lines joined. */
const instructions = readText("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => ({ name: line.split(" ")[0], words: line.trim().split(/\s+/).slice(1) }));
const stages = instructions.filter(({ name }) => name === "FROM").map(({ words }) => words[2]);
const copies = instructions.filter(({ name }) => name === "COPY").map(({ words }) => words);
const letIn = readText(".dockerignore").match(/(?<=^!).+/gm) ?? [];

describe("the Dockerfile", () => {
  test.each(copies.filter(([first]) => !first?.startsWith("--from")))("copies existing files: %s", (...words) => {
    for (const source of words.slice(0, -1)) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(letIn, ".dockerignore").toContain(source);
    }
  });

  test("copies from existing stages, and builds both images", () => {
    const from = copies.flatMap(([first]) => first?.match(/^--from=(.+)/)?.[1] ?? []);
    for (const stage of from) expect(stages).toContain(stage);
    expect(stages).toEqual(expect.arrayContaining(["cpu", "cuda"]));
  });

  test("ends each image as a user without rights, with the same command", () => {
    const users = instructions.filter(({ name }) => name === "USER").map(({ words }) => words.join(" "));
    const entries = instructions.filter(({ name }) => name === "ENTRYPOINT").map(({ words }) => words.join(" "));
    expect(users).toEqual(["1000:1000", "1000:1000"]);
    expect(new Set(entries)).toEqual(new Set(['["tini", "--", "node", "apps/cli/bin/reembed.mjs"]']));
  });
});

test(".dockerignore excludes everything first, so that no .env gets into the image", () => {
  expect(readText(".dockerignore").match(/^[^#\n].*$/m)?.[0]).toBe("*");
  expect(letIn.filter((path) => path.startsWith(".env"))).toEqual([]);
});

describe("without dev dependencies", () => {
  const loaded = packagesLoadedBy("apps/cli/src/main.ts");

  test.each(loaded)("$workspace has $name, which the command loads, as a dependency", ({ workspace, name }) => {
    expect(JSON.parse(readText(`${workspace}/package.json`))).toHaveProperty(["dependencies", name]);
  });

  test("the command loads all of our packages", () => {
    expect(loaded.map(({ name }) => name)).toEqual(expect.arrayContaining(["bullmq", "onnxruntime-node", "pg"]));
    expect(loaded.map(({ workspace }) => workspace)).not.toContain("packages/testing");
  });
});
