import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Suites are found by file name only, so that they can be moved. If several have the name, one of them must have the test. */
const suites = globSync("{apps,packages,scripts,bench}/**/*.test.ts", { cwd: root, exclude: ["**/node_modules"] });

const rows = read("docs/promises.md")
  .split("\n")
  .flatMap((line) => {
    const [, promise = "", suite = "", title = ""] = /^\| (.*?) ?\| `([\w.-]+)` \| (.+) \|$/.exec(line) ?? [];
    return suite === "" ? [] : [{ promise, suite, title }];
  });

test.each(rows)("docs/promises.md names a test of $suite that exists: $title", ({ suite, title }) => {
  const found = suites.filter((path) => basename(path) === suite).filter((path) => read(path).includes(`"${title}"`));
  expect(found, "If the test was renamed, rename it in docs/promises.md too").not.toEqual([]);
});

test.each(["docs/migrating.md", "docs/fleet.md"])("every promise in bold of %s has its test", (page) => {
  const promises = [...read(page).matchAll(/^- \*\*(.+?)\.?\*\*/gm)].map(([, words]) => words);
  expect(promises.length).toBeGreaterThan(3);
  const held = rows.map(({ promise }) => promise);
  expect(promises.filter((words) => !held.some((promise) => promise.startsWith(`**${words}**`)))).toEqual([]);
});
