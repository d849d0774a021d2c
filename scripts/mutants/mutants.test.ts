import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { joinMutants } from "./mutant.ts";
import { mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");
const all = Object.entries(mutants).flatMap(([file, ofFile]) => ofFile.map((mutant) => ({ file, ...mutant })));

test("there are at least 25 mutants, each with a different name", () => {
  expect(all.length).toBeGreaterThanOrEqual(25);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test("lists of mutants of the same file are joined", () => {
  const [first, second] = ["first", "second"].map((name) => ({ name, text: "<", replacement: ">" }));
  if (first === undefined || second === undefined) throw new TypeError("There are two mutants");
  const joined = joinMutants({ "a.ts": [first], "b.ts": [second] }, { "a.ts": [second] });
  expect(joined).toEqual({ "a.ts": [first, second], "b.ts": [second] });
});

test.each(all)("$file still contains the text of the mutant: $name", ({ file, text, replacement, noticedBy }) => {
  const code = readFileSync(join(root, file), "utf8");
  expect(code.split(text).length - 1).toBe(1);
  expect(replacement).not.toBe(text);
  if (noticedBy !== undefined) expect(existsSync(join(root, noticedBy))).toBe(true);
});

const inMigrations = all.filter(({ file }) => file.startsWith("drizzle/"));
test.each(inMigrations)("no later migration replaces the function in which this fault is: $name", ({ file, text }) => {
  const before = readFileSync(join(root, file), "utf8").split(text)[0];
  const definition = before?.match(/FUNCTION reembed\.\w+\(/g)?.at(-1);
  if (definition === undefined) throw new TypeError(`${file} has no function around ${text}`);
  const later = globSync("drizzle/*.sql", { cwd: root }).filter((other) => other > file);
  expect(later.filter((other) => readFileSync(join(root, other), "utf8").includes(definition))).toEqual([]);
});
